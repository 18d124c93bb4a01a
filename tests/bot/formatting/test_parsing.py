from typing import Any

import pytest

from bot.formatting.parsing import parse
from bot.formatting.source import prepared


def events(markdown: str) -> list[Any]:
    return [event for event, _ in parse(prepared(markdown))]


def texts(markdown: str) -> list[str]:
    return [event["Text"] for event in events(markdown) if isinstance(event, dict) and "Text" in event]


def test_well_nested_tags_are_events_and_others_text() -> None:
    found = events("<b>a</b> <i>c")
    assert {"Start": {"Tag": "b"}} in found
    assert {"End": {"Tag": "b"}} in found
    assert texts("<b>a</b> <i>c") == ["a", " ", "<i>", "c"]
    assert texts("*<b>a*</b>") == ["<b>", "a", "</b>"]


def test_items_keep_the_marker_of_the_source() -> None:
    markers = [event["Start"]["Item"] for event in events("3. a\n9. b\n\n- c") if "Item" in str(event.get("Start"))]
    assert markers == ["3.", "9.", "•"]


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[a](https://x.org 't')", "a (t)"),
        ("[a][b]\n\n[b]: https://x.org", "a [b][b]: https://x.org"),
        ("[b]\n\n[b]: https://x.org", "[b][b]: https://x.org"),
        ("[b]\n\n[b]: 42", "[b][b]: 42"),
        ("[a](#top)", "a"),
        ("[a](tel:+1)", "a (+1)"),
        ("<https://x.org/$a$>", "https://x.org/$a$"),
        ("use <br> to break", "use <br> to break"),
    ],
)
def test_parts_of_a_link_that_would_not_be_seen_are_text(markdown: str, shown: str) -> None:
    assert "".join(texts(markdown)) == shown


def test_line_break_tag_is_a_line_break() -> None:
    assert "HardBreak" in events("a<br>b")
    assert "HardBreak" in events("|a <br> b|\n|-|\n")


def test_code_is_given_as_written() -> None:
    assert {"Code": "<b>$x$"} in events("`<b>$x$`")
    assert texts("```a$b$\n<b>\n```") == ["<b>\n"]
    assert {"Start": {"CodeBlock": "a$b$"}} in events("```a$b$\n<b>\n```")
