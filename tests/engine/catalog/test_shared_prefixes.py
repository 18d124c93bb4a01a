"""Prompts that share a beginning only: edited questions, branches, changing system prompts."""

import pytest

from engine.catalog.prompt_cache import PromptCache
from engine.chat import ChatRequest, Message, Role, says
from tests.engine.catalog.test_prompt_cache import DEEPSEEK, FIRST, OPENAI, SECOND, request, sent

ANSWER = says(Role.ASSISTANT, "yes " * 500)
TALK = (says(Role.SYSTEM, "be brief " * 500), *FIRST, ANSWER, says(Role.USER, "and then? " * 100))


@pytest.mark.parametrize(
    ("messages", "least", "most"),
    [
        ((*TALK, ANSWER, says(Role.USER, "more")), 3600, 3600),
        ((*TALK[:-1], says(Role.USER, "another question")), 3150, 3400),  # an edited question
        ((*TALK[:2], says(Role.ASSISTANT, "no"), TALK[3]), 2600, 2900),  # an edited answer
        ((TALK[0], says(Role.USER, "other")), 900, 1100),
        ((says(Role.SYSTEM, "it is noon"), *TALK[1:]), 0, 0),  # a changing system prompt
        (TALK[1:], 0, 0),  # a window of the latest turns
        ((), 0, 0),
    ],
)
def test_beginning_that_two_prompts_share_is_expected_to_be_cached(
    messages: tuple[Message, ...], least: int, most: int
) -> None:
    prefixes = PromptCache()
    prefixes.sent(request(TALK), DEEPSEEK, 4000, 0, now=0)
    assert least <= prefixes.cached_tokens(request(messages), DEEPSEEK, now=1) <= most


def test_share_that_the_prompt_before_has_in_common_is_returned() -> None:
    prefixes = PromptCache()
    assert prefixes.sent(request(TALK), DEEPSEEK, 4000, 0, now=0) is None
    longer = (*TALK, ANSWER, says(Role.USER, "more"))
    assert prefixes.sent(request(longer), OPENAI, 5000, 0, now=1) == 1.0
    edited = (*TALK[:-1], says(Role.USER, "another"))
    assert prefixes.sent(request(edited), DEEPSEEK, 4000, 0, now=2) == pytest.approx(0.83, abs=0.01)
    assert prefixes.sent(request((says(Role.SYSTEM, "noon"), *TALK)), DEEPSEEK, 4000, 0, now=3) == 0


def test_reported_hits_tell_more_of_the_shared_beginning() -> None:
    """A note at the end of a question is dropped in the next turn; the question before it is still cached."""
    prefixes = PromptCache()
    prefixes.sent(request((says(Role.USER, "one " * 2000 + "[noon]"),)), DEEPSEEK, 2000, 0, now=0)
    assert prefixes.sent(request(SECOND), DEEPSEEK, 2000, 1900, now=1) == pytest.approx(0.95)
    changed = (says(Role.USER, "two " * 2000),)
    assert prefixes.sent(request(changed), OPENAI, 2000, 1900, now=1) == 0


def test_two_branches_of_a_conversation_are_both_cached() -> None:
    prefixes = PromptCache()
    left = (*FIRST, says(Role.ASSISTANT, "left"), says(Role.USER, "go " * 300))
    right = (*FIRST, says(Role.ASSISTANT, "right"), says(Role.USER, "go " * 300))
    for branch, cached in ((left, 0), (right, 2150)):
        prefixes.sent(request(branch), DEEPSEEK, 2500, cached, now=0)
    for branch in (left, right):
        assert prefixes.cached_tokens(request((*branch, ANSWER, *FIRST)), DEEPSEEK, now=1) > 2000


def test_only_two_branches_are_kept() -> None:
    prefixes = PromptCache()
    for number in range(10):
        prefixes.sent(request((says(Role.USER, f"{number} " * 2000),)), DEEPSEEK, 2000, 0, now=0)
    kept = [
        number
        for number in range(10)
        if prefixes.cached_tokens(request((says(Role.USER, f"{number} " * 2000),)), DEEPSEEK, now=1)
    ]
    assert kept == [8, 9]


def test_short_prompts_are_hoped_to_be_cached_until_a_few_missed() -> None:
    """Providers' documents name least lengths, but what a reseller sends on may be cached from a shorter one."""
    prefixes = sent(OPENAI, 500)
    hits, hoped = prefixes.hits(OPENAI, 0), []
    for _ in range(3):
        hoped.append(hits.hoped_least_tokens)
        prefixes.sent(request(FIRST), OPENAI, 500, 0, now=1)
    assert hoped == [64, 64, 64]
    assert hits.hoped_least_tokens == hits.least_tokens == 1024
    assert prefixes.hits(OPENAI, 6 * 3600 + 2).hoped_least_tokens == 64


SYSTEM = says(Role.SYSTEM, "You answer questions about the sea. " * 200)


def of(conversation: str, *texts: str) -> ChatRequest:
    return request((SYSTEM, *(says(Role.USER, text) for text in texts)), conversation)


def test_system_prompt_is_cached_for_all_conversations_of_a_tenant() -> None:
    prefixes = PromptCache()
    prefixes.sent(of("c1", "one"), DEEPSEEK, 2000, 0, 0, 7)
    known = prefixes.continued(of("c2", "two"), 7)
    assert set(known) == {DEEPSEEK}
    assert 1900 < known[DEEPSEEK].tokens < 2000
    assert prefixes.continued(of("c2", "two"), 8) == {}
    assert prefixes.continued(request((says(Role.SYSTEM, "x" * 5000), FIRST[0]), "c2"), 7) == {}


def test_longer_beginning_of_the_conversation_counts_before_the_system_prompt() -> None:
    prefixes = PromptCache()
    prefixes.sent(of("c1", "one", "two " * 500), DEEPSEEK, 3000, 0, 0, 7)
    prefixes.sent(of("c2", "three"), OPENAI, 2000, 0, 0, 7)
    known = prefixes.continued(of("c1", "one", "two " * 500, "more"), 7)
    assert known[DEEPSEEK].tokens == 3000
    assert 1900 < known[OPENAI].tokens < 2000


def test_misses_of_a_system_prompt_are_learned() -> None:
    prefixes = PromptCache()
    for number in range(20):
        prefixes.sent(of(f"c{number}", "one"), DEEPSEEK, 2000, 0, number, 7)
    assert prefixes.hits(DEEPSEEK, 20).shares[0] < 0.1


@pytest.mark.parametrize("messages", [(says(Role.SYSTEM, "be brief"), FIRST[0]), (SYSTEM,), FIRST])
def test_short_system_prompts_are_not_kept(messages: tuple[Message, ...]) -> None:
    prefixes = PromptCache()
    prefixes.sent(request(messages, "c1"), DEEPSEEK, 2000, 0, 0, 7)
    assert prefixes.continued(request(messages, "c2"), 7) == {}
