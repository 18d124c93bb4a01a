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


def test_what_was_sent_before_is_expected_to_be_cached() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), DEEPSEEK, now=60) == 2000


def test_another_provider_s_cache_holds_nothing_of_it() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), OPENAI, now=60) == 0


def test_a_cache_forgets_in_its_provider_s_time() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), DEEPSEEK, now=3601) == 0
    assert sent(OPENAI).cached_tokens(request(SECOND), OPENAI, now=299) == 2000
    assert sent(OPENAI).cached_tokens(request(SECOND), OPENAI, now=301) == 0


def test_a_short_prompt_is_not_cached_where_there_is_a_least() -> None:
    assert sent(OPENAI, 1000).cached_tokens(request(SECOND), OPENAI, now=1) == 0


def test_who_caches_only_when_asked_is_not_counted_on() -> None:
    assert sent(ANTHROPIC).cached_tokens(request(SECOND), ANTHROPIC, now=1) == 0


def test_a_conversation_that_was_changed_begins_anew() -> None:
    other = (says(Role.USER, "two " * 2000), *SECOND[1:])
    assert sent(DEEPSEEK).cached_tokens(request(other), DEEPSEEK, now=1) == 0


def test_without_a_conversation_nothing_is_kept() -> None:
    prefixes = PromptCache()
    prefixes.sent(request(FIRST, ""), DEEPSEEK, 2000, 0, now=0)
    assert prefixes.cached_tokens(request(SECOND, ""), DEEPSEEK, now=1) == 0


def test_a_cache_that_misses_is_counted_on_less() -> None:
    prefixes = sent(DEEPSEEK)
    for _ in range(30):
        prefixes.sent(request(FIRST), DEEPSEEK, 2000, 0, now=1)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=2) < 200
