"""The words of a message with hidden links and the languages of code."""

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
        ("mend x = 1", [("pre", "x = 1", {})], "mend x = 1"),
        ("**loud** word", [("bold", "word", {})], "**loud** word"),
    ],
)
def test_hidden_links_and_languages_are_written_out(
    text: str, marks: list[tuple[str, str, dict[str, str]]], expected: str
) -> None:
    entities = [entity(kind, text, part, **more) for kind, part, more in marks]
    for sent in ({"text": text, "entities": entities}, {"caption": text, "caption_entities": entities}):
        message, _ = received({**private_message(None), **sent})
        assert written(message) == expected


def test_entity_is_left_out() -> None:
    message, _ = received(private_message("@bot see this", entities=[entity("mention", "@bot see this", "@bot")]))
    assert written(message, message.entities[0]) == " see this"
