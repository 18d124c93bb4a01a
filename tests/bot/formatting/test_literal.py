import pytest

from bot.formatting.literal import as_code, as_shown
from bot.formatting.markdown import render


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Tea room", "Tea room"),
        ("a`b*c*_d_", "a'b*c*_d_"),
        ("x\n\n# y", "x # y"),
        ("[a](https://e.org)", "[a](https://e.org)"),
    ],
)
def test_name_is_shown_as_it_is(name: str, shown: str) -> None:
    (piece,) = render(f"In {as_code(name)}: hello")
    assert piece.text == f"In {shown}: hello"
    assert [entity.type for entity in piece.entities] == ["code"]


def test_empty_name_is_a_question_mark() -> None:
    assert as_code(" \n") == "`?`"


@pytest.mark.parametrize(
    ("words", "shown"), [("a b\n c", "`a b c`"), ("x" * 64, f"`{'x' * 64}`"), ("x" * 65, f"`{'x' * 63}…`")]
)
def test_words_of_a_person_are_shortened(words: str, shown: str) -> None:
    assert as_shown(words) == shown
