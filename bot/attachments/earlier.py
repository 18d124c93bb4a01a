"""Whether a message of the bot is part of the conversation that the model gets."""

import re
from collections.abc import Sequence

from engine.chat import Message, Role, Text

LONG_LINE_CHARS = 12
MOST_LINES = 3
HEAD_CHARS = 200
_NOT_WORDS = re.compile(r"[\W_]+")


def known_part(shown: str, history: Sequence[Message]) -> str | None:
    """Return the words that tell the model which of its messages is meant.

    They are empty for the last answer, its beginning for an earlier one, and None if the history does not contain it.
    `shown` is the text as Telegram shows it, so only letters and digits are compared.
    """
    answers = [message for message in history if message.role is Role.ASSISTANT]
    for number, answer in enumerate(reversed(answers)):
        if _contains(answer, shown):
            return _head(shown) if number else ""
    return None


def _contains(answer: Message, shown: str) -> bool:
    text = _letters("".join(part.text for part in answer.parts if isinstance(part, Text)))
    lines = [letters for line in shown.splitlines() if (letters := _letters(line))]
    compared = [line for line in lines if len(line) >= LONG_LINE_CHARS][:MOST_LINES] or lines[:MOST_LINES]
    return any(line in text for line in compared)


def _head(shown: str) -> str:
    words = " ".join(shown.split())
    return words if len(words) <= HEAD_CHARS else f"{words[:HEAD_CHARS]}…"


def _letters(text: str) -> str:
    return _NOT_WORDS.sub("", text).lower()
