"""Long answers: their formatting takes a bounded time, and none of their text is lost."""

import pytest

from bot.formatting.markdown import MOST_UNITS, render
from tests.processor_time import units_of

FULL_OF_MARKS = [
    "$",
    "$a$ ",
    "2*",
    "https://e.org/__a ",
    "# a\n",
    "[a](http://x.y) ",
    "**a** ",
    "`a` ",
    "> ",
    "<",
    "- a\n",
    "|a|b|\n|-|-|\n",
]


@pytest.mark.parametrize("unit", FULL_OF_MARKS)
@pytest.mark.parametrize("chars", [20_000, 200_000])
def test_text_full_of_marks_never_takes_long_and_is_not_lost(unit: str, chars: int) -> None:
    text = unit * (chars // len(unit)) + "the end"
    assert units_of(lambda: render(text), 1500) < 1500  # 135 in 2026; without the limits up to 15,000
    pieces = render(text)
    assert "the end" in pieces[-1].text
    assert all(len(piece.text) <= MOST_UNITS for piece in pieces)


@pytest.mark.parametrize("tag", ["<div>", "x<span>"])
def test_text_full_of_tags_is_read_once(tag: str) -> None:
    text = tag * 8_000 + "the end"
    assert units_of(lambda: render(text), 500) < 500  # 20 in 2026; over 2,000 if each tag reads those before it


def test_long_code_is_still_formatted() -> None:
    code = "for (int i = 0; i < n; i++) { a[i] = b_c[i] * 2; }\n" * 300
    assert any(entity.type == "pre" for piece in render(f"```c\n{code}```") for entity in piece.entities)
