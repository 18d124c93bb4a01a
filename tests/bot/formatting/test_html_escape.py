import pytest

from bot.formatting.markdown import render

LEVELS = 1500


@pytest.mark.parametrize("marker", ["- ", "1. ", "* ", "> - ", "+\t"])
def test_lists_in_lists_without_end_stay_as_short_as_they_came(marker: str) -> None:
    pieces = render(marker * LEVELS + "end")
    assert len(pieces) <= 3
    assert pieces[-1].text.rstrip().endswith("end")


def test_lists_that_a_person_can_read_are_laid_out() -> None:
    [piece] = render("- a\n  - b\n    - c\n")
    assert [line.strip() for line in piece.text.splitlines()] == ["• a", "• b", "• c"]


def test_a_row_of_dashes_in_code_is_left_alone() -> None:
    row = "- " * 20 + "x"
    assert render(f"```\n{row}\n```")[0].text.strip() == row


@pytest.mark.parametrize("nothing", ["\u200b" * 50, "\u2060\ufeff", "\u2800\u3164", "\u0301", "\n \u200e\n"])
def test_an_answer_that_shows_nothing_is_not_sent_as_nothing(nothing: str) -> None:
    assert [piece.text for piece in render(nothing)] == ["…"]
    assert render(f"a{nothing}b")[0].text.startswith("a")
