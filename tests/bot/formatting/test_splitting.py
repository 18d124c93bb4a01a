import pytest

from bot.formatting.markdown import MOST_UNITS, Piece, _is_one_message, converted, pieces_of, render
from bot.formatting.splitting import MOST_ENTITIES, split
from bot.formatting.styled import StyledText
from tests.bot.formatting.documents import Documents


def parts(text: str, limit: int) -> list[str]:
    return [part.text for part in split(StyledText(text), limit)]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("aaaa bbbb\n\ncccc dddd", 14, ["aaaa bbbb", "cccc dddd"]),
        ("One two. Three four. Five", 22, ["One two. Three four.", "Five"]),
        ("一二三。四五六。七八", 9, ["一二三。四五六。", "七八"]),
        ("aaa bbb ccc", 8, ["aaa bbb", "ccc"]),
        ("漢字漢字word", 6, ["漢字漢字", "word"]),
        ("a" * 10, 4, ["aaaa", "aaaa", "aa"]),
        ("👨‍👩‍👧👨‍👩‍👧", 10, ["👨‍👩‍👧", "👨‍👩‍👧"]),
        ("😀😀😀", 3, ["😀", "😀", "😀"]),
        ("\n\n \u200b \n", 9, []),
    ],
)
def test_text_is_cut_at_the_best_place(text: str, limit: int, expected: list[str]) -> None:
    assert parts(text, limit) == expected


def test_heading_goes_with_the_text_below_it() -> None:
    first, second = render(f"{'word ' * 15}\n\n# Title\n\n{'more ' * 10}", 90)
    assert (first.text[-4:], second.text[:5]) == ("word", "Title")


def test_items_with_many_styles_are_cut_between_lines() -> None:
    pieces = render("\n".join(f"- **a{n}** *b{n}* `c{n}`" for n in range(60)))
    assert all(len(piece.entities) <= MOST_ENTITIES for piece in pieces)
    assert [line for piece in pieces for line in piece.text.split("\n")] == [f"• a{n} b{n} c{n}" for n in range(60)]
    assert len(pieces) == 2


def test_indented_code_keeps_its_indent_after_a_cut() -> None:
    pieces = render("```py\n" + "    x = 1\n" * 30 + "```", 100)
    assert all(line == "    x = 1" for piece in pieces for line in piece.text.split("\n"))
    assert all(piece.entities[0].length == len(piece.text) for piece in pieces)


def test_style_over_a_cut_goes_on() -> None:
    pieces = render(f"**{'word ' * 30}end**", 100)
    assert [(piece.entities[0].offset, piece.entities[0].length) for piece in pieces] == [
        (0, len(piece.text)) for piece in pieces
    ]


@pytest.mark.parametrize("seed", range(60))
def test_short_text_is_one_message_as_it_is(seed: int) -> None:
    text = converted(Documents(seed).document(1 + seed % 9))
    split_anyway = [(part.text, part.spans) for part in split(text, MOST_UNITS)]
    assert not _is_one_message(text, MOST_UNITS) or split_anyway == [(text.text, text.spans)]
    (piece, *more) = pieces_of(text)
    assert [piece.text, *(each.text for each in more)] == [part for part, _ in split_anyway]


def test_text_over_a_limit_is_not_one_message() -> None:
    assert _is_one_message(converted("**a**"), 1)
    assert not _is_one_message(converted("ab"), 1)
    assert not _is_one_message(converted("*a* b " * (MOST_ENTITIES + 1)), MOST_UNITS)
    assert pieces_of(StyledText("\u200b")) == [Piece("…")]
