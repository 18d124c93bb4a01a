"""HTML tags without a style are dropped, their content is kept, and other texts in angle brackets stay as they are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.formatting.growing.text import GrowingText
from bot.formatting.html.tags import PLAIN, STYLES
from bot.formatting.markdown import Piece, render
from bot.formatting.rich import rich

_WORD = st.integers(100, 999).map("w{}w".format)
_ATTRIBUTE = st.sampled_from(["", ' class="a_b"', " align=center", " style='color: red'", " open"])


def shown(markdown: str) -> Piece:
    (piece,) = render(markdown)
    return piece


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("<div align='center'>\n\n**Hi**\n\n</div>\n\nend", "Hi\n\nend"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div> one </div>\n<div>two</div>", "one \n\ntwo"),
        ("<details><summary>More</summary>Text</details>", "More\n\nText"),
        ("<details open>\n<summary>More</summary>\n\nText\n\n</details>\nend", "More\n\nText\n\nend"),
        ('<div>\n  <p>\n  <span style="color:red">red</span> <font color=#f00>r</font>\n  </p>\n</div>', "red r"),
        ("word<span>part</span>, <span>**bold**</span>", "wordpart, bold"),
        ("<CENTER>Title</CENTER>\nafter", "Title\n\nafter"),
        ("<h1 align='center'>Title</h1>text", "Title\n\ntext"),
        ("<ul><li>one</li><li>two</li></ul>end", "• one\n• two\n\nend"),
        ("- <p>one</p>\n- two", "• one\n• two"),
        ("> <p>said</p>", "said"),
        ("<!-- note -->text", "note text"),
        ("<!--\nnote\n-->\n\ntext", "note\n\ntext"),
    ],
)
def test_markup_is_dropped(markdown: str, text: str) -> None:
    assert shown(markdown).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Include <stdio.h>, then Vec<T>, Map<K, V> and List<Section>",
        "Use <div> and <span>, or a <p>.",
        'The "<div>" element (<section>)',
        "cat <table>",
        "Box<p> and a<b and c>d",
        "x --> y, and <!-- is open",
        "• <div>: a block\n• <p>",
    ],
)
def test_tag_that_a_sentence_names_stays(text: str) -> None:
    assert shown(text.replace("•", "-")).text == text


@pytest.mark.parametrize("code", ["`<div>`", "```\n<div>\n<!-- a -->\n</div>\n```", "`<!--` and `-->`"])
def test_code_keeps_its_tags(code: str) -> None:
    assert shown(f"so: {code}" if code.startswith("`<") else code).text.endswith(code.strip("`\n").replace("`", ""))


def test_summary_and_heading_are_bold() -> None:
    found = shown("<details><summary>More</summary>text</details>\n\n<h2>Head</h2>")
    assert [(each.type, found.text[each.offset : each.offset + each.length]) for each in found.entities] == [
        ("bold", "More"),
        ("bold", "Head"),
    ]


def test_cells_keep_lists_apart() -> None:
    found = rich("| a | b |\n|-|-|\n| <ul><li>x</li><li>y</li></ul> | <p>q</p> |\n| <div> | t |\n\n<p>w</p>\nz")
    assert found is not None
    assert "<td>• x<br/>• y</td><td>q</td>" in found.html
    assert "<td>&lt;div&gt;</td>" in found.html
    assert found.html.endswith("<p>w<br/>z</p>")


@st.composite
def _documents(draw: st.DrawFn, tags: tuple[str, ...] = (*PLAIN, *STYLES)) -> str:
    """Return well-nested tags around words."""

    def made(depth: int) -> str:
        parts = []
        for _ in range(draw(st.integers(1, 3))):
            tag, word = draw(st.sampled_from(tags)), draw(_WORD)
            around = draw(st.sampled_from(["", "\n", "\n\n", " "]))
            inner = made(depth - 1) if depth and draw(st.booleans()) else draw(_WORD)
            parts.append(f"{word}{around}<{tag}{draw(_ATTRIBUTE)}>{around}{inner}{around}</{tag}>{around}")
        return draw(st.sampled_from(["", " ", "\n"])).join(parts)

    return made(2)


@given(_documents())
def test_every_word_arrives_in_order(markdown: str) -> None:
    text = "\n".join(piece.text for piece in render(markdown))
    assert re.findall(r"w\d+w", text) == re.findall(r"w\d+w", markdown)


@given(_documents((*PLAIN, "b", "summary")), st.data())
def test_growing_text_is_only_added_to(markdown: str, data: st.DataObject) -> None:
    growing, before = GrowingText(), ""
    cuts = data.draw(st.lists(st.integers(0, len(markdown)), max_size=8).map(sorted))
    for cut in [*cuts, len(markdown)]:
        frame = growing.frame(markdown[:cut])
        assert frame.startswith(before)
        before = frame
    assert set(re.findall(r"w\d+w", before)) == set(re.findall(r"w\d+w", markdown))


@pytest.mark.parametrize(
    "markdown",
    [
        "<div>\n\n**Hi**\n\n</div>\n\nx <T> y",
        "word<span>b</span> c",
        "<!-- a -->b",
        "<details><summary>s</summary>t</details>",
    ],
)
def test_draft_never_shows_a_tag_that_is_dropped(markdown: str) -> None:
    growing = GrowingText()
    frames = [growing.frame(markdown[:end]) for end in range(1, len(markdown) + 1)]
    assert not any(mark in frame.replace("<T", "") for frame in frames for mark in ("<", "--"))
    assert frames[-1] == shown(markdown).text
