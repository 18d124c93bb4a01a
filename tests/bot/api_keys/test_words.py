"""The words after /keys, and the changes that they make."""

from typing import Any, cast

import pytest

from bot.api_keys.words import WORDS
from bot.context import Context

NOBODY = cast("Context", None)


@pytest.mark.parametrize(
    ("word", "rest", "changes"),
    [
        ("limit", ["1,000"], {"tokens_per_month": 1000}),
        ("limit", ["5_000_000"], {"tokens_per_month": 5_000_000}),
        ("limit", ["0"], {"tokens_per_month": None}),
        ("limit", ["1" * 16], None),
        ("limit", ["-1"], None),
        ("limit", ["1", "2"], None),
        ("limit", [], None),
        ("rate", ["20"], {"requests_per_minute": 20}),
        ("rate", ["1234567"], None),
        ("models", ["auto", "x", "auto"], {"models": ("auto", "x")}),
        ("models", ["all"], {"models": None}),
        ("models", [], None),
        ("models", ["x" * 1000], None),
        ("models", [str(number) for number in range(101)], None),
        ("name", ["my", "laptop"], {"name": "my laptop"}),
        ("name", ["a\0b"], {"name": "ab"}),
        ("name", [], None),
        ("name", ["x" * 101], None),
        ("expire", ["x"], None),
        ("expire", ["12345"], None),
    ],
)
def test_words_are_read_as_changes(word: str, rest: list[str], changes: dict[str, Any] | None) -> None:
    assert WORDS[word](NOBODY, rest) == changes
