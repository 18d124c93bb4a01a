"""Whether a message of the bot is part of the conversation that the model gets."""

import pytest

from bot.attachments.earlier import known_part
from engine.chat import Role, says

HISTORY = [
    says(Role.USER, "The tide table is wrong, I think so"),
    says(Role.ASSISTANT, "The **tide** table\n\n- high at [noon](https://e.org)\n- low at six"),
    says(Role.USER, "And the sea?"),
    says(Role.ASSISTANT, "Wide."),
]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("Wide.", ""),
        (
            "The tide table\n\n• high at noon\n• low at six",
            "The tide table • high at noon • low at six",
        ),
        ("• low at six", "• low at six"),
        ("An answer from before /new", None),
        ("The tide table is wrong, I think so", None),
        ("", None),
    ],
)
def test_last_answer_needs_no_words_and_an_unknown_one_all(shown: str, expected: str | None) -> None:
    assert known_part(shown, HISTORY) == expected


def test_long_earlier_answer_is_named_by_its_beginning() -> None:
    long = "A sentence about the sea. " * 40
    known = known_part(long, [says(Role.ASSISTANT, long), says(Role.ASSISTANT, "Other words entirely")])
    assert known is not None
    assert known.startswith("A sentence about the sea.")
    assert len(known) == 201


def test_nothing_is_known_of_an_empty_conversation() -> None:
    assert known_part("Wide.", []) is None
