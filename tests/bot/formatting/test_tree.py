import pytest

from bot.formatting.blocks import DONE, IMAGE, TO_DO
from bot.formatting.parsing import parse
from bot.formatting.source import prepared
from bot.formatting.tree import MOST_COLUMNS, MOST_DEPTH, Block, Tree


def blocks(markdown: str) -> list[Block]:
    return Tree().read(parse(prepared(markdown)))


def html(markdown: str) -> str:
    return "".join(block.html for block in blocks(markdown))


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("# A\n\ntext", "<h1>A</h1><p>text</p>"),
        ("**a** *b* ~~c~~ `d`", "<p><b>a</b> <i>b</i> <s>c</s> <code>d</code></p>"),
        ("- a\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>"),
        ("1. a\n2. b", "<ol><li><p>a</p></li><li><p>b</p></li></ol>"),
        ("4. a", '<ol start="4"><li><p>a</p></li></ol>'),
        ("1. a\n5. b", '<ol><li><p>a</p></li><li value="5"><p>b</p></li></ol>'),
        ("H<sub>2</sub>O <em>a</em> <b>c", "<p>H<sub>2</sub>O <i>a</i> &lt;b&gt;c</p>"),
        ("|a|\n|-|\n|b<br>c|\n", "<table bordered striped><tr><th>a</th></tr><tr><td>b<br/>c</td></tr></table>"),
        ("[1]: https://x.org", '<p><a href="https://x.org">[1]</a>: https://x.org</p>'),
        ("a\n\n---\n\nb", "<p>a</p><hr/><p>b</p>"),
        ("a  \nb", "<p>a<br/>b</p>"),
        ("> a\n> > b", "<blockquote><p>a</p><p>b</p></blockquote>"),
        ("```py\nx = 1\n```", '<pre><code class="language-py">x = 1</code></pre>'),
        ("```\nx\n\n```", "<pre>x\n</pre>"),
        ("    x", "<pre>x</pre>"),
    ],
)
def test_markdown_becomes_rich_html(markdown: str, expected: str) -> None:
    assert html(markdown) == expected


def test_task_lists_have_marks() -> None:
    assert html("- [x] a\n- [ ] b") == f"<ul><li><p>{DONE}a</p></li><li><p>{TO_DO}b</p></li></ul>"


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[a](https://x.org)", '<p><a href="https://x.org">a</a></p>'),
        ("[a](javascript:x)", "<p>a (javascript:x)</p>"),
        ("![a](https://x.org/y.png)", f'<p><a href="https://x.org/y.png">{IMAGE}a</a></p>'),
        ("[![a](https://x.org/y.png)](https://z.org)", f'<p><a href="https://z.org">{IMAGE}a</a></p>'),
    ],
)
def test_only_safe_links_are_kept_and_links_do_not_nest(markdown: str, expected: str) -> None:
    assert html(markdown) == expected


def test_table_has_its_alignment() -> None:
    assert html("| a | b |\n|:-|-|\n| c | d |\n") == (
        '<table bordered striped><tr><th align="left">a</th><th>b</th></tr>'
        '<tr><td align="left">c</td><td>d</td></tr></table>'
    )


@pytest.mark.parametrize(("columns", "fits"), [(MOST_COLUMNS, True), (MOST_COLUMNS + 1, False)])
def test_table_with_too_many_columns_does_not_fit(columns: int, fits: bool) -> None:
    (block,) = blocks("|a" * columns + "|\n" + "|-" * columns + "|\n")
    assert (block.fits, bool(block.html), block.has_table) == (fits, fits, True)


def test_deep_nesting_does_not_fit() -> None:
    def nested(depth: int) -> bool:
        (block,) = blocks("".join("  " * level + "- a\n" for level in range(depth)))
        return block.fits

    assert nested(2)
    assert not nested(MOST_DEPTH)


def test_empty_table_shows_nothing() -> None:
    (block,) = blocks("| |\n|-|\n| |\n")
    assert (block.html, block.has_table) == ("", False)


def test_blocks_know_their_start_and_their_number_of_elements() -> None:
    found = blocks("ab\n\n- c\n- d\n")
    assert [block.start for block in found] == [0, 4]
    assert [block.count for block in found] == [1, 5]


def test_formula_is_shown_in_unicode() -> None:
    assert html("so $\\alpha$") == "<p>so <code>α</code></p>"
