import pytest

from bot.formatting.markdown import render

LEVELS = 1500


@pytest.mark.parametrize("marker", ["- ", "1. ", "* ", "> - ", "+\t"])
def test_endless_nested_lists_stay_short(marker: str) -> None:
    pieces = render(marker * LEVELS + "end")
    assert len(pieces) <= 3
    assert pieces[-1].text.rstrip().endswith("end")


def test_moderately_nested_lists_are_formatted() -> None:
    [piece] = render("- a\n  - b\n    - c\n")
    assert [line.strip() for line in piece.text.splitlines()] == ["• a", "• b", "• c"]


def test_row_of_dashes_in_code_is_unchanged() -> None:
    row = "- " * 20 + "x"
    assert render(f"```\n{row}\n```")[0].text.strip() == row


@pytest.mark.parametrize("nothing", ["\u200b" * 50, "\u2060\ufeff", "\u2800\u3164", "\u0301", "\n \u200e\n"])
def test_invisible_answer_is_sent_as_an_ellipsis(nothing: str) -> None:
    assert [piece.text for piece in render(nothing)] == ["…"]
    assert render(f"a{nothing}b")[0].text.startswith("a")
