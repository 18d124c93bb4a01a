import pytest

from documents.fonts import drawable, typeface


@pytest.mark.parametrize("weight", ["Regular", "Semibold", "Bold"])
def test_each_weight_has_its_font_file(weight: str) -> None:
    assert typeface(weight).name == f"SourceSansPro-{weight}.ttf"
    assert typeface(weight).is_file()


@pytest.mark.parametrize("text", ["Ann", "Nguyễn Thị Ánh", "Ελλάδα", "Привет", "1 234,50 € – “x”", ""])
def test_available_characters_are_kept(text: str) -> None:
    assert drawable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("王小明", ""),
        ("Ann 王 Bob", "Ann Bob"),
        ("🦊Fox🦊", "Fox"),
        ("a\t\n  b ", "a b"),
        ("A\u0301nh", "Ánh"),
        ("\u2102ode", "Code"),
    ],
)
def test_missing_characters_leave_single_spaces(text: str, shown: str) -> None:
    assert drawable(text) == shown
