"""The words of a message with its formatting as Markdown."""

from typing import Any

import pytest

from bot.formatting.written import written
from tests.bot.contexts import private_message
from tests.bot.updates_of import received


def entity(kind: str, text: str, part: str, **more: Any) -> dict[str, Any]:
    """Return an entity at the first position of `part`, in Telegram's units."""
    before = text[: text.index(part)]
    offset, length = (len(each.encode("utf-16-le")) // 2 for each in (before, part))
    return {"type": kind, "offset": offset, "length": length, **more}


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        (
            "😀 see this page",
            [("text_link", "this page", {"url": "https://e.org/x"})],
            "😀 see this page (https://e.org/x)",
        ),
        ("see e.org", [("text_link", "e.org", {"url": "https://e.org/"})], "see e.org"),
        (
            "a then b",
            [("text_link", "a", {"url": "https://e.org/1"}), ("text_link", "b", {"url": "https://e.org/2"})],
            "a (https://e.org/1) then b (https://e.org/2)",
        ),
        ("mend x = 1", [("pre", "x = 1", {"language": "py"})], "mend ```py\nx = 1\n```"),
        ("mend x = 1", [("pre", "x = 1", {})], "mend ```\nx = 1\n```"),
        ("a\n```\nb", [("pre", "a\n```\nb", {"language": "md"})], "````md\na\n```\nb\n````"),
        ("x = 1\n", [("pre", "x = 1\n", {})], "```\nx = 1\n```"),
        ("**loud** word", [("bold", "word", {})], "**loud** **word**"),
        ("def init(self)", [("italic", "init", {})], "def __init__(self)"),
        ("😀 old new", [("strikethrough", "old", {}), ("spoiler", "new", {})], "😀 ~~old~~ ||new||"),
        ("why `npm` fails", [("code", "`npm`", {})], "why `` `npm` `` fails"),
        ("why npm fails", [("code", "npm", {})], "why `npm` fails"),
        ("He said\nhi\nReally?", [("blockquote", "He said\nhi", {})], "> He said\n> hi\nReally?"),
        ("so it is", [("bold", " it ", {})], "so **it** is"),
        ("a b", [("bold", " ", {})], "a b"),
        ("tea cup", [("bold", "tea cup", {}), ("underline", "cup", {})], "**tea <u>cup</u>**"),
        ("tea", [("bold", "tea", {}), ("italic", "tea", {})], "**__tea__**"),
        ("He said", [("expandable_blockquote", "He said", {}), ("bold", "He", {})], "> **He** said"),
        ("tea", [("bold", "tea", {}), ("text_link", "tea", {"url": "https://e.org"})], "**tea (https://e.org)**"),
        ("tea #hash", [("hashtag", "#hash", {}), ("hologram", "tea", {})], "tea #hash"),
    ],
)
def test_formatting_is_written_as_markdown(
    text: str, marks: list[tuple[str, str, dict[str, str]]], expected: str
) -> None:
    entities = [entity(kind, text, part, **more) for kind, part, more in marks]
    for sent in ({"text": text, "entities": entities}, {"caption": text, "caption_entities": entities}):
        message, _ = received({**private_message(None), **sent})
        assert written(message) == expected


def test_entity_is_left_out() -> None:
    message, _ = received(private_message("@bot see this", entities=[entity("mention", "@bot see this", "@bot")]))
    assert written(message, message.entities[0]) == " see this"
