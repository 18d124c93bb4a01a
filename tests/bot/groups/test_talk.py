"""The part of a group's conversation that an asker pays for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.groups.talk import SAFE_SHARE, _tokens, paid_by
from engine.chat import Message, Role, says
from storage.telegram.conversations import SaidMessage

ANN, BAO = 1, 2
TALK = 1000


def turn(number: int, tenant: int, question: str, answer: str) -> list[SaidMessage]:
    texts = ((Role.USER, question), (Role.ASSISTANT, answer))
    return [SaidMessage(says(role, text), tenant, f"r{number}") for role, text in texts]


def size(messages: tuple[Message, ...]) -> int:
    return sum(map(_tokens, messages))


def test_six_long_messages_of_another_cost_at_most_the_limit() -> None:
    said = [each for n in range(6) for each in turn(n, BAO, "a long story of the sea " * 300, "I see " * 200)]
    kept = paid_by(ANN, said, TALK)
    assert 0 < size(kept) <= TALK * SAFE_SHARE
    assert [message.role for message in kept] == [Role.USER, Role.ASSISTANT]
    assert kept[0].text.startswith("a long story")
    assert kept[0].text.endswith("…")


def test_own_turns_are_kept_whole_and_in_order() -> None:
    said = [
        *turn(1, ANN, "mine " * 3000, "yes"),
        *turn(2, BAO, "others " * 3000, "no"),
        *turn(3, ANN, "again", "sure"),
        *turn(4, BAO, "short", "one"),
    ]
    texts = [message.text for message in paid_by(ANN, said, TALK)]
    assert texts[:2] == ["mine " * 3000, "yes"]
    assert texts[-4:] == ["again", "sure", "short", "one"]


@pytest.mark.parametrize("talk_tokens", [0, 50])
def test_without_tokens_nothing_of_the_others_is_kept(talk_tokens: int) -> None:
    said = [*turn(1, BAO, "others " * 300, "no"), *turn(2, ANN, "mine", "yes")]
    assert [message.text for message in paid_by(ANN, said, talk_tokens)] == ["mine", "yes"]


@given(st.lists(st.tuples(st.sampled_from([ANN, BAO]), st.text(max_size=4000)), max_size=8), st.integers(0, 3000))
def test_others_never_have_more_than_the_limit(turns: list[tuple[int, str]], talk_tokens: int) -> None:
    said = [each for n, (tenant, text) in enumerate(turns) for each in turn(n, tenant, text, text[:99])]
    mine = [each.message for each in said if each.tenant_id == ANN]
    kept = list(paid_by(ANN, said, talk_tokens))
    others = sum(map(_tokens, kept)) - sum(map(_tokens, mine))
    assert [message for message in kept if any(message is own for own in mine)] == mine
    assert others <= talk_tokens * SAFE_SHARE + 2
