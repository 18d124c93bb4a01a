import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import MessageEntity

from bot.formatting.characters import clean
from bot.formatting.markdown import (
    MOST_UNITS,
    Piece,
    plain_head,
    render,
    with_tail,
)
from bot.formatting.splitting import MOST_ENTITIES

MOST_EXAMPLES = 300
LEVELS = 1500
WORD = st.text(alphabet="abcxyzäß漢مر😀", min_size=1, max_size=9)
HOSTILE = st.sampled_from(
    [
        "Vec<String>",
        "<div>",
        "</div>",
        "<div>\n",
        "<!-- ",
        "-->",
        "<br/>",
        "a<b and c>d",
        "&lt;",
        "&amp",
        "**",
        "*",
        "_",
        "~~",
        "`",
        "``",
        "```",
        "\n```python\n",
        "\n```\n",
        "\n~~~\n",
        "\n    ",
        "\n\n",
        "\n",
        "\n- ",
        "\n  - ",
        "\n1. ",
        "\n   ```\n   ",
        "\n> ",
        "\n> > ",
        "\n# ",
        "\n---\n",
        "\n| a | b |\n|---|---|\n| ",
        " | ",
        "||",
        "[x](javascript:alert(1))",
        "[y](https://example.org/)",
        "![z](http://x/y.png)",
        "<https://example.org>",
        "$5",
        "$$",
        r"\[",
        r"\(",
        "\\",
        "😀",
        "👨‍👩‍👧",
        "\u202e",
        "مرحبا",
        "\ud83d",
        "\0",
    ]
)
MARKDOWN = st.lists(WORD | HOSTILE | st.just(" "), max_size=60).map("".join)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def covered(piece: Piece, entity: MessageEntity) -> str:
    raw = piece.text.encode("utf-16-le")
    return raw[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")


def check_limits(pieces: list[Piece]) -> None:
    assert pieces
    for piece in pieces:
        assert piece.text.strip()
        assert units(piece.text) <= MOST_UNITS
        assert len(piece.entities) <= MOST_ENTITIES
        for entity in piece.entities:
            assert entity.length > 0
            assert 0 <= entity.offset <= entity.offset + entity.length <= units(piece.text)
            covered(piece, entity)  # raises where it cuts a character in two


def check_nesting(piece: Piece) -> None:
    for one, other in itertools.permutations(piece.entities, 2):
        inside = one.offset <= other.offset < one.offset + one.length and other.length < one.length
        assert not (inside and one.type in {"pre", "code"}), "something nests in code"
        assert not (inside and one.type == other.type == "blockquote"), "quotes nest"


def said(markdown: str) -> str:
    return "\n".join(piece.text for piece in render(markdown))


@given(MARKDOWN)
@settings(max_examples=MOST_EXAMPLES)
def test_any_markdown_fits_the_limits(markdown: str) -> None:
    pieces = render(markdown)
    check_limits(pieces)
    for piece in pieces:
        check_nesting(piece)


@given(st.lists(st.integers(100, 999).map("w{}w".format) | HOSTILE.filter(lambda mark: "](" not in mark), max_size=60))
@settings(max_examples=MOST_EXAMPLES)
def test_text_is_never_lost(marks: list[str]) -> None:
    markdown = " ".join(marks)
    info_strings = set(re.findall(r"(?:```|~~~)[^\n]*", markdown))  # the language of a fence goes into the entity
    wanted = [word for word in re.findall(r"w\d+w", markdown) if not any(word in info for info in info_strings)]
    text = said(markdown)
    assert [word for word in wanted if word not in text] == []


@given(st.integers(1, 20).flatmap(lambda n: st.lists(MARKDOWN, min_size=n, max_size=n)), st.integers(1, 300))
@settings(max_examples=20)
def test_long_answers_are_split(paragraphs: list[str], times: int) -> None:
    markdown = "\n\n".join(paragraphs * times)[:100_000]
    check_limits(render(markdown))


@given(MARKDOWN, st.integers(0, 40))
def test_each_frame_begins_with_the_one_before(markdown: str, more: int) -> None:
    text = markdown * 40
    shorter, longer = plain_head(text[: -more or None]), plain_head(text)
    assert longer.startswith(shorter)
    assert units(longer) <= MOST_UNITS
    longer.encode()


@pytest.mark.parametrize(
    "text",
    [
        "Vec<String> and a<b, c>d",
        "before\n<my-tag>\ninside\n</my-tag>\nafter",
        "<script>alert(1)</script>",
        "A --> B, and <!-- open",
        "if a || b || c",
        "costs $5 to $10",
        "array[0] and [link] only",
        "snake_case_name and 2 * 3",
    ],
)
def test_text_that_looks_like_markup_is_unchanged(text: str) -> None:
    assert said(text).replace("\n", " ") == text.replace("\n", " ")


@pytest.mark.parametrize(
    "code",
    ["`Vec<String>`", "```\nVec<String>\n```", "~~~\nVec<String>\n~~~", "    Vec<String>", "``a ` Vec<String>``"],
)
def test_code_keeps_its_angle_brackets(code: str) -> None:
    (piece,) = render(f"so:\n\n{code}")
    assert "Vec<String>" in piece.text
    assert {entity.type for entity in piece.entities} <= {"code", "pre"}
    assert len(piece.entities) == 1


def test_deeply_nested_html_keeps_its_content() -> None:
    assert said("<div>\n" * 50 + "word") == "word"


def test_unclosed_fence_is_code_to_the_end() -> None:
    (piece,) = render("see\n```python\nx = 1\ny = 2")
    (entity,) = piece.entities
    assert (entity.type, entity.language) == ("pre", "python")
    assert covered(piece, entity) == "x = 1\ny = 2"


def test_block_in_a_list_item_has_its_own_lines() -> None:
    (piece,) = render("1. first\n   ```py\n   x = 1\n   ```\n\n   after\n2. second\n   # head\n3. third\n   > said")
    assert piece.text.split("\n")[:4] == ["1. first", "x = 1", "  after", "2. second"]
    assert piece.text.split("\n")[4:7] == ["  head", "3. third", "said"]
    assert [covered(piece, entity) for entity in piece.entities if entity.type == "pre"] == ["x = 1"]


def test_table_is_aligned_and_monospaced() -> None:
    (piece,) = render("| provider | price |\n|---|---|\n| deepseek | 0.14 |\n| x | || \n")
    (entity,) = piece.entities
    rows = covered(piece, entity).rstrip("\n").split("\n")
    assert entity.type == "pre"
    assert len({row.index("|") for row in rows if "|" in row}) == 1


def test_row_with_more_cells_than_columns_loses_none() -> None:
    text = said("| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |\n| 5 || 6 |")
    assert "3 | 4" in text
    assert "6" in text


def test_single_table_loses_no_cell() -> None:
    assert "3 | 4" in said("| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |")


def test_lists_nest() -> None:
    (piece,) = render("- a\n  - b\n    1. c")
    assert [line.strip() for line in piece.text.strip().split("\n")] == ["• a", "• b", "1. c"]


def test_language_of_code_is_kept_over_parts() -> None:
    pieces = render("```rust\n" + "let x: Vec<u8> = vec![];\n" * 600 + "```")
    assert len(pieces) > 2
    assert all([(entity.type, entity.language) for entity in piece.entities] == [("pre", "rust")] for piece in pieces)
    assert sum(piece.text.count("let x: Vec<u8>") for piece in pieces) == 600


def test_more_than_a_hundred_entities_are_split_without_loss() -> None:
    pieces = render(" ".join(f"**b{number}**" for number in range(250)))
    bold = [covered(piece, entity) for piece in pieces for entity in piece.entities]
    assert bold == [f"b{number}" for number in range(250)]
    assert all(len(piece.entities) <= 100 for piece in pieces)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "/relative", "http://localhost/"]
)
def test_url_that_is_no_link_is_text(url: str) -> None:
    (piece,) = render(f"[here]({url})")
    assert piece.text == f"here ({url})"
    assert piece.entities == ()


def test_safe_link_is_kept() -> None:
    (piece,) = render("[here](https://example.org/a?b=c)")
    assert [(entity.type, entity.url) for entity in piece.entities] == [("text_link", "https://example.org/a?b=c")]


@pytest.mark.parametrize("markdown", ["", " ", "  \n ", "<div>", "```", "**", "\x00", "\ud83d"])
def test_empty_text_is_still_one_message(markdown: str) -> None:
    assert len(render(markdown)) == 1


def test_lone_surrogates_are_removed() -> None:
    assert clean("a\ud83d\ude00b\ud83d\0") == "a😀b"


def test_tail_is_below_in_italics() -> None:
    (piece,) = with_tail(render("**Hi** 😀"), "0.04 ¢ · deepseek")
    assert piece.text == "Hi 😀\n\n0.04 ¢ · deepseek"
    assert covered(piece, piece.entities[-1]) == "0.04 ¢ · deepseek"


def test_tail_of_a_full_message_is_another_message() -> None:
    pieces = with_tail(render("a" * 4090), "0.04 ¢ · deepseek")
    assert [len(piece.text) for piece in pieces] == [4090, 17]
    check_limits(pieces)


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
