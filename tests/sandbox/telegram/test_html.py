"""Tags of parse_mode=HTML: entities and refusals."""

import pytest

from sandbox.telegram.html import STYLES, parsed
from sandbox.telegram.refusals import BotApiError


@pytest.mark.parametrize(("tag", "kind"), STYLES.items())
def test_style_tag_becomes_its_entity(tag: str, kind: str) -> None:
    assert parsed(f"a<{tag}>b</{tag}>") == ("ab", [{"type": kind, "offset": 1, "length": 1}])


def test_offsets_count_utf16_units_and_the_outer_entity_is_first() -> None:
    text, entities = parsed("😀<i><b>é</b>x</i>")
    assert text == "😀éx"
    assert [(each["type"], each["offset"], each["length"]) for each in entities] == [("italic", 2, 2), ("bold", 2, 1)]


def test_link_without_an_address_is_plain_text() -> None:
    assert parsed('<a href="https://e.example">x</a>')[1][0]["url"] == "https://e.example"
    assert parsed("<a>x</a>") == ("x", [])


def test_language_of_code_belongs_to_the_pre_around_it() -> None:
    _, [entity] = parsed('<pre><code class="language-py">1</code></pre>')
    assert (entity["type"], entity["language"]) == ("pre", "py")
    assert "language" not in parsed("<pre>1</pre>")[1][0]
    assert parsed("<code>1</code>")[1][0]["type"] == "code"


def test_quotation_may_be_expandable() -> None:
    assert parsed("<blockquote>q</blockquote>")[1][0]["type"] == "blockquote"
    assert parsed("<blockquote expandable>q</blockquote>")[1][0]["type"] == "expandable_blockquote"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("ü\n<x>", 'Unsupported start tag "x" at byte offset 3'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", "Unexpected end tag at byte offset 7"),
        ("<b>x", 'start tag "b"'),
    ],
)
def test_wrong_tag_is_refused_with_its_place(source: str, why: str) -> None:
    with pytest.raises(BotApiError, match=why):
        parsed(source)
