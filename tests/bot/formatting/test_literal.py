import pytest

from bot.formatting.literal import as_code
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
