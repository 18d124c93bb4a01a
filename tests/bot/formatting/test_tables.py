from bot.formatting.characters import width
from bot.formatting.markdown import render
from bot.formatting.tables import MOST_COLUMNS_OF_TEXT


def lines(markdown: str) -> list[str]:
    return render(markdown)[0].text.split("\n")


def test_columns_are_aligned_by_the_width_of_their_characters() -> None:
    found = lines("| 名前 | n |\n|---|--:|\n| a | 10 |\n| 👨‍👩‍👧 x | 2 |\n| é | 3 |\n")
    assert len({width(line.split("|")[0]) for line in found}) == 1
    assert found[2] == "a    | 10"
    assert found[3].endswith("|  2")


def test_alignment_is_kept() -> None:
    assert lines("|aaaa|bbbb|\n|:-:|-:|\n|x|y|\n")[2] == " x   |    y"


def test_links_are_repeated_below_the_table() -> None:
    (piece,) = render("|a|\n|-|\n|[x](https://x.org)|\n|[y](https://y.org)|\n")
    assert piece.text.endswith("\ny\nx · y")
    assert [entity.url for entity in piece.entities if entity.type == "text_link"] == ["https://x.org", "https://y.org"]


def test_wide_table_is_a_list_of_records_in_order() -> None:
    long = "word " * (MOST_COLUMNS_OF_TEXT // 5)
    (piece,) = render(f"|a|b|\n|-|-|\n|**one**|{long}|\n|two||\n")
    assert piece.text == f"a | b\n\none\n• b: {long.strip()}\n\ntwo"
    assert {entity.type for entity in piece.entities} == {"italic", "bold"}


def test_cells_show_line_breaks_and_small_digits() -> None:
    assert lines("|H<sub>2</sub>O<br>m<sup>2</sup>|\n|-|\n")[0] == "H₂O / m²"
