import pytest

from engine.catalog.offers import Offer
from engine.catalog.prompt_cache import PromptCache
from engine.chat import ChatRequest, Message, Role, says

DEEPSEEK, OPENAI, ANTHROPIC = Offer("deepseek", "v4"), Offer("openai", "m"), Offer("anthropic", "m")
FIRST = (says(Role.USER, "one " * 2000),)
SECOND = (*FIRST, says(Role.ASSISTANT, "yes"), says(Role.USER, "and then?"))


def request(messages: tuple[Message, ...], conversation: str = "c") -> ChatRequest:
    return ChatRequest("1", "auto", messages, conversation=conversation)


def sent(offer: Offer, tokens: int = 2000) -> PromptCache:
    prefixes = PromptCache()
    prefixes.sent(request(FIRST), offer, tokens, 0, now=0)
    return prefixes


def test_prompt_that_was_sent_is_expected_to_be_cached() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), DEEPSEEK, now=60) == 2000


def test_prompt_is_not_cached_at_another_provider() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), OPENAI, now=60) == 0


def test_cached_prompt_expires_in_the_providers_time() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), DEEPSEEK, now=3600) == 2000
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), DEEPSEEK, now=3601) == 0
    assert sent(OPENAI).cached_tokens(request(SECOND), OPENAI, now=299) == 2000
    assert sent(OPENAI).cached_tokens(request(SECOND), OPENAI, now=301) == 0


def test_prompt_below_the_providers_minimum_is_not_cached() -> None:
    assert sent(OPENAI, 1024).cached_tokens(request(SECOND), OPENAI, now=1) == 1024
    assert sent(OPENAI, 1023).cached_tokens(request(SECOND), OPENAI, now=1) == 0


def test_provider_that_caches_on_request_only_caches_nothing() -> None:
    assert sent(ANTHROPIC).cached_tokens(request(SECOND), ANTHROPIC, now=1) == 0


def test_changed_conversation_is_not_cached() -> None:
    other = (says(Role.USER, "two " * 2000), *SECOND[1:])
    assert sent(DEEPSEEK).cached_tokens(request(other), DEEPSEEK, now=1) == 0


def test_reported_hits_keep_the_expectation() -> None:
    prefixes = sent(DEEPSEEK)
    prefixes.sent(request(SECOND), DEEPSEEK, 2100, 5000, now=1)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=2) == 2100


def test_oldest_conversation_is_forgotten_at_twenty_thousand() -> None:
    prefixes = PromptCache()
    for number in range(20_001):
        prefixes.sent(request(FIRST, f"c{number}"), DEEPSEEK, 2000, 0, now=0)
    assert prefixes.cached_tokens(request(SECOND, "c0"), DEEPSEEK, now=1) == 0
    assert prefixes.cached_tokens(request(SECOND, "c1"), DEEPSEEK, now=1) == 2000


def test_cache_misses_lower_the_expectation() -> None:
    prefixes = sent(DEEPSEEK)
    for _ in range(30):
        prefixes.sent(request(FIRST), DEEPSEEK, 2000, 0, now=1)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=2) < 200


@pytest.mark.parametrize(
    ("provider", "seconds", "least_tokens"),
    [
        ("deepseek", 3600, 64),
        ("openai", 300, 1024),
        ("gemini", 300, 1024),
        ("openrouter", 300, 1024),
        ("groq", 300, 1024),
    ],
)
def test_each_provider_has_its_lifetime_and_minimum(provider: str, seconds: int, least_tokens: int) -> None:
    offer = Offer(provider, "m")
    assert sent(offer, least_tokens).cached_tokens(request(SECOND), offer, now=seconds) == least_tokens
    assert sent(offer, least_tokens).cached_tokens(request(SECOND), offer, now=seconds + 0.5) == 0
    assert sent(offer, least_tokens - 1).cached_tokens(request(SECOND), offer, now=seconds) == 0


def test_conversation_in_use_is_not_the_oldest() -> None:
    prefixes = PromptCache()
    for number in (*range(20_000), 0, 20_001):
        prefixes.sent(request(FIRST, f"c{number}"), DEEPSEEK, 2000, 2000, now=0)
    assert prefixes.cached_tokens(request(SECOND, "c0"), DEEPSEEK, now=1) == 2000
    assert prefixes.cached_tokens(request(SECOND, "c1"), DEEPSEEK, now=1) == 0


def test_lifetime_counts_from_the_last_prompt() -> None:
    prefixes = PromptCache()
    prefixes.sent(request(FIRST), DEEPSEEK, 2000, 0, now=9000)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=12_600) == 2000
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=12_601) == 0


def test_expired_prompt_says_nothing_about_hits() -> None:
    prefixes = sent(DEEPSEEK)
    prefixes.sent(request(FIRST), DEEPSEEK, 2000, 0, now=4000)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=4001) == 2000


def test_one_half_hit_lowers_the_expectation_by_a_twentieth() -> None:
    prefixes = sent(DEEPSEEK)
    prefixes.sent(request(FIRST), DEEPSEEK, 2000, 1000, now=1)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=2) == 1900
