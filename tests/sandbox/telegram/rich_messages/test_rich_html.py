"""HTML of rich messages as a tree, and its rules for nesting."""

import pytest

from sandbox.telegram.refusals import BotApiError
from sandbox.telegram.rich_messages.rich_html import DEEPEST, parsed


def test_tree_has_attributes_text_and_places_in_bytes() -> None:
    root = parsed("<p>ü</p>\n<ol start='3'><li>a</li></ol>")
    [paragraph] = root.elements("p")
    [ordered] = root.elements("ol")
    assert (paragraph.plain, paragraph.at) == ("ü", 0)
    assert (ordered.attributes, ordered.at) == ({"start": "3"}, 10)
    assert [each.plain for each in ordered.elements("li")] == ["a"]


def test_white_space_is_kept_only_in_pre() -> None:
    assert parsed("<p>a \n b</p>").plain == "a b"
    assert parsed("<pre><code>a \n b</code></pre>").plain == "a \n b"


def test_white_space_between_rows_is_left_out() -> None:
    [table] = parsed("<table> <tr> <td>x</td> </tr> </table>").elements("table")
    assert [type(each).__name__ for each in table.children] == ["Element"]


def test_void_elements_need_no_end() -> None:
    assert [each.tag for each in parsed("<hr>a<br/>b</br>").elements("hr", "br")] == ["hr", "br"]


@pytest.mark.parametrize(
    "source",
    [
        "<table>x</table>",
        "<table><td>x</td></table>",
        "<ul><p>x</p></ul>",
        "<a href='x'><a href='y'>z</a></a>",
        "<b><p>x</p></b>",
        "<!-- note -->",
    ],
)
def test_wrong_nesting_is_refused(source: str) -> None:
    with pytest.raises(BotApiError, match="Unsupported start tag"):
        parsed(source)


@pytest.mark.parametrize("source", ["<li>x</li>", "<td>x</td>", "<script>x</script>"])
def test_element_outside_its_parent_is_refused(source: str) -> None:
    with pytest.raises(BotApiError, match="byte offset 0"):
        parsed(source)


def test_blocks_may_stand_in_lists_and_quotations() -> None:
    assert parsed("<ul><li><p>a</p><blockquote><ul><li>b</li></ul></blockquote></li></ul>").plain == "ab"


def test_nesting_ends_at_its_limit() -> None:
    assert parsed("<b>" * DEEPEST + "x" + "</b>" * DEEPEST).plain == "x"
    with pytest.raises(BotApiError, match="DEPTH"):
        parsed("<b>" * (DEEPEST + 1))


@pytest.mark.parametrize(("source", "why"), [("<p>x", 'start tag "p"'), ("<p>x</b>", "Unexpected end tag")])
def test_missing_or_wrong_end_is_refused(source: str, why: str) -> None:
    with pytest.raises(BotApiError, match=why):
        parsed(source)
