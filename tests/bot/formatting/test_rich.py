import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from telegram import TelegramObject

from bot.formatting.markdown import render
from bot.formatting.rich import MOST_BLOCKS, MOST_UNITS, TAIL_UNITS, Rich, footer_of, rich, words_of
from sandbox.telegram.rich_messages.rich import rich_message
from tests.bot.formatting.test_markdown import HOSTILE, MARKDOWN, units

MOST_EXAMPLES = 300
TABLE = "\n\n| a | b |\n|---|:-:|\n| c | d |\n\n"
TAIL = "0.04 ¢ · deepseek · 1.2 s\nand a remark"
ALLOWED = set(
    re.findall(
        r"[\w-]+", "h1 h2 h3 h4 h5 h6 p b i s tg-spoiler code a br pre hr ul ol li blockquote table tr th td footer"
    )
)
MARKS = st.lists(st.integers(100, 999).map("w{}w".format) | HOSTILE.filter(lambda mark: "](" not in mark), max_size=60)


def shown(markdown: str) -> Rich:
    found = rich(markdown)
    assert found is not None
    return found


def cells(found: Rich) -> list[list[Any]]:
    """Return the cells as the Bot API reads them."""
    (table,) = (block for block in accepted(found) if block["type"] == "table")
    return [[cell.get("text", "") for cell in row] for row in table["cells"]]


def accepted(found: Rich, tail: str = "") -> list[dict[str, Any]]:
    """Return the blocks. Raises if the strict Bot API refuses the message."""
    blocks: list[dict[str, Any]] = rich_message({"rich_message": json.dumps(found.message(tail))})["blocks"]
    return blocks


def given_back(blocks: list[dict[str, Any]]) -> TelegramObject:
    return TelegramObject(api_kwargs={"rich_message": {"blocks": blocks}})


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.words = set[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.words += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@given(MARKDOWN, MARKDOWN)
@settings(max_examples=MOST_EXAMPLES)
@example("*" * 3000 + "a" + "*" * 3000, "> " * 500 + "b")
@example("- " * 200 + "a", "")
@example("[![a](http://x.y/y.png)](http://z)", "[a [b](http://c)](http://d)")
@example("1.\n2. b\n3.\n4. d", "#\n\n>\n\n-\n\n```\n\n```\n\n| |\n|-|\n| |\n")
def test_any_markdown_is_accepted(before: str, after: str) -> None:
    found = rich(before + TABLE + after)
    if found is None:
        return
    assert Reader(found.html).tags <= ALLOWED
    assert units(found.message(TAIL)["html"]) <= MOST_UNITS
    assert accepted(found, TAIL)[-1]["type"] == "footer"


@given(MARKS)
@settings(max_examples=MOST_EXAMPLES)
def test_text_is_never_lost(marks: list[str]) -> None:
    markdown = " ".join(marks) + TABLE
    found = rich(markdown)
    if found is None:
        return
    info_strings = set(re.findall(r"(?:```|~~~)[^\n]*", markdown))
    wanted = [word for word in re.findall(r"w\d+w", markdown) if not any(word in info for info in info_strings)]
    text = " ".join([*Reader(found.html).words, *(piece.text for piece in render(found.rest or " "))])
    assert [word for word in wanted if word not in text] == []


@given(st.integers(1, 700), st.integers(1, 90), st.integers(0, 400))
@settings(max_examples=40)
def test_rest_continues_where_the_rich_message_ends(paragraphs: int, words: int, rows: int) -> None:
    table = "| a |\n|---|\n" + "".join(f"| r{n}r |\n" for n in range(rows))
    markdown = f"{table}\n" + "".join(" ".join(f"w{n}x{k}w" for k in range(words)) + "\n\n" for n in range(paragraphs))
    found = rich(markdown)
    if found is None:
        return
    accepted(found, TAIL)
    said = re.findall(r"w\d+x\d+w", found.html) + re.findall(r"w\d+x\d+w", found.rest)
    assert said == re.findall(r"w\d+x\d+w", markdown)
    assert found.rest or found.head == markdown
    assert re.findall(r"w\d+x\d+w", found.head + found.rest) == said


def test_unknown_html_in_cells_is_text() -> None:
    found = shown("| <b>a | `x\\|y` |\n|---|---|\n| <script>alert(1)</script> | a \\| b |\n| &amp; | <!-- c --> |\n")
    assert "<script" not in found.html
    assert cells(found)[1] == ["<script>alert(1)</script>", "a | b"]
    assert cells(found)[2][1] == "c"
    assert "<b>a" in cells(found)[0][0]


def test_extra_cells_stay_in_the_last_column_and_missing_ones_are_empty() -> None:
    found = shown("| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |\n| 5 |\n| | 6 |\n")
    assert cells(found)[1:] == [["1", "2 | 3 | 4"], ["5", ""], ["", "6"]]


def test_alignment_of_the_table_is_kept() -> None:
    found = shown("| a | b | c | d |\n|:-|:-:|-:|-|\n| 1 | 2 | 3 | 4 |\n")
    assert re.findall(r"<td[^>]*>", found.html) == [
        '<td align="left">',
        '<td align="center">',
        '<td align="right">',
        "<td>",
    ]


@pytest.mark.parametrize(("columns", "fits"), [(20, True), (21, False), (50, False)])
def test_table_over_twenty_columns_is_an_ordinary_message(columns: int, fits: bool) -> None:
    row = "| " + " | ".join(f"c{n}" for n in range(columns)) + " |\n"
    assert (rich(row + "|---" * columns + "|\n" + row) is not None) is fits


@pytest.mark.parametrize(("rows", "fits"), [(MOST_BLOCKS - 3, True), (MOST_BLOCKS, False), (1000, False)])
def test_table_over_the_block_limit_is_an_ordinary_message(rows: int, fits: bool) -> None:
    found = rich("| a |\n|---|\n" + "| x |\n" * rows)
    assert (found is not None) is fits
    if found:
        accepted(found, TAIL)


def test_table_that_does_not_fit_is_left_over() -> None:
    wide = "| x " * 30 + "|\n" + "|---" * 30 + "|\n"
    found = shown(TABLE + "then\n\n" + wide)
    assert found.rest == wide
    assert "then" in found.html


@pytest.mark.parametrize("markdown", ["no table", "a | b", "```\n| a | b |\n|---|---|\n```", "| |\n|---|\n| |\n", "|"])
def test_text_without_a_visible_table_is_no_rich_message(markdown: str) -> None:
    assert rich(markdown) is None


def test_right_to_left_text_is_marked() -> None:
    assert shown("| مرحبا | b |\n|---|---|\n| 1 | x |\n").message()["is_rtl"]
    assert "is_rtl" not in shown("| 1 | b |\n|---|---|\n| مرحبا | x |\n").message()


def test_pictures_become_links_and_scripts_text() -> None:
    found = shown('![alt](http://x.y/y.png) [go](javascript:alert(1)) [ok](https://example.org/?a=1&b="2")' + TABLE)
    assert 'href="http://x.y/y.png"' in found.html
    assert 'href="javascript' not in found.html
    assert "go (javascript:alert(1))" in found.html
    assert [piece for piece in accepted(found)[0]["text"] if isinstance(piece, dict)][-1]["url"].startswith("https://")


def test_two_prices_are_no_formula() -> None:
    found = shown("It costs $5 to $10, and $\\alpha$." + TABLE)
    assert "It costs $5 to $10, and <code>α</code>." in found.html


def test_list_items_keep_their_numbers() -> None:
    found = shown("3. c\n4.\n5. e\n" + TABLE)
    assert [item["value"] for item in accepted(found)[0]["items"]] == [3, 5]


def test_footer_is_read_back() -> None:
    found = shown(TABLE)
    assert footer_of(given_back(accepted(found, TAIL))) == TAIL
    assert footer_of(given_back(accepted(found))) == ""
    assert footer_of(given_back([])) == footer_of(TelegramObject()) == words_of(TelegramObject()) == ""


def test_text_of_a_rich_message_is_read_from_its_blocks() -> None:
    found = shown(
        "# Head\n\nsome *words*\n\n| a | b |\n|---|---|\n| **c** | |\n\n1. x\n2. y\n   - z\n\n> q\n\n```\ncode\n```"
    )
    said = words_of(given_back(accepted(found)))
    assert " ".join(said.split()) == "Head some words a | b c | 1. x 2. y • z q code"


def test_longest_footer_always_fits() -> None:
    found = shown(TABLE + "a b\n\n" * 300 + "w " * 20_000)
    assert found.rest
    accepted(found, "t" * TAIL_UNITS)
