import pytest

from bot.formatting.nodes import Node


def test_text_and_attributes_are_escaped() -> None:
    node = Node("a", {"href": 'x"&'}, ["<b>", Node("code", children=["&"])])
    assert node.html() == '<a href="x&quot;&amp;">&lt;b&gt;<code>&amp;</code></a>'
    assert node.text == "<b>&"


def test_attribute_without_a_value_is_only_named() -> None:
    assert Node("table", {"bordered": ""}).html() == "<table bordered></table>"


def test_void_elements_have_no_end_tag() -> None:
    assert (Node("br").html(), Node("hr").html()) == ("<br/>", "<hr/>")


@pytest.mark.parametrize("tag", ["", "quote"])
def test_node_without_a_tag_is_its_content(tag: str) -> None:
    assert Node(tag, children=["a", Node("b", children=["c"])]).html() == "a<b>c</b>"


@pytest.mark.parametrize(
    ("node", "shows"),
    [
        (Node("p", children=["a"]), True),
        (Node("p", children=[" ", "\u200b"]), False),
        (Node("p", children=[Node("b", children=["x"])]), True),
        (Node("hr"), True),
        (Node("br"), False),
    ],
)
def test_element_shows_if_it_has_visible_text_or_is_a_rule(node: Node, shows: bool) -> None:
    assert node.shows() is shows


def test_blocks_that_show_nothing_are_pruned_at_any_depth() -> None:
    inner = Node("blockquote", children=[Node("p", children=[" "]), Node("p", children=["a"])])
    node = Node("blockquote", children=[inner, Node("ul", children=[Node("li", children=[])]), "text", Node("br")])
    node.prune()
    assert node.html() == "<blockquote><blockquote><p>a</p></blockquote>text<br/></blockquote>"


def test_empty_cells_and_inline_elements_stay() -> None:
    node = Node("table", children=[Node("tr", children=[Node("td"), Node("th")]), Node("b")])
    node.prune()
    assert node.html() == "<table><tr><td></td><th></th></tr><b></b></table>"


def items(*texts: str, **attributes: str) -> Node:
    return Node("ol", attributes, [Node("li", children=[text] if text else []) for text in texts])


def test_items_after_a_pruned_one_keep_their_numbers() -> None:
    node = items("a", "", "c", "", "e")
    node.prune()
    assert node.html() == '<ol><li>a</li><li value="3">c</li><li value="5">e</li></ol>'


def test_numbers_begin_at_the_start_of_the_list() -> None:
    node = items("", "b", start="7")
    node.prune()
    assert node.html() == '<ol start="7"><li value="8">b</li></ol>'
    whole = items("a", "b", start="7")
    whole.prune()
    assert "value" not in whole.html()
