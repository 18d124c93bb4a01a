"""Tests of entities in UTF-16 units, and of HTML."""

from typing import Any

import pytest

from tests.sandbox.telegram.bot_api import ANN, Bot


@pytest.mark.parametrize(
    ("entity", "why"),
    [
        ({"offset": -1, "length": 1}, "receive an entity with incorrect offset -1"),
        ({"offset": 0, "length": -1}, "receive an entity with incorrect length -1"),
        ({"offset": 9, "length": 1}, "entity begins after the end of the text at UTF-16 offset 9"),
        (
            {"offset": 3, "length": 6},
            "entity beginning at UTF-16 offset 3 ends after the end of the text at UTF-16 offset 9",
        ),
        ({"offset": 0, "length": 1, "type": "loud"}, "can't parse MessageEntity: unsupported type specified"),
        ({"offset": 0, "length": 1, "type": "text_link"}, "entity URL '' is invalid: URL host is empty"),
    ],
)
async def test_entity_out_of_bounds_is_refused(bot: Bot, entity: dict[str, Any], why: str) -> None:
    entities = [{"type": "bold", **entity}]
    assert await bot.refused("sendMessage", chat_id=ANN, text="aba caba", entities=entities) == f"Bad Request: {why}"


async def test_entity_may_not_split_an_emoji(bot: Bot) -> None:
    entities = [{"type": "bold", "offset": 1, "length": 1}]
    why = await bot.refused("sendMessage", chat_id=ANN, text="😀a", entities=entities)
    assert why.startswith("Bad Request: entity begins in a middle of a UTF-16 symbol")


async def test_of_more_than_a_hundred_entities_the_rest_are_left_out_silently(bot: Bot) -> None:
    entities = [{"type": "bold", "offset": 2 * n, "length": 1} for n in range(120)]
    message = await bot.call("sendMessage", chat_id=ANN, text="a " * 120 + ".", entities=entities)
    assert message["entities"] == entities[:100]


async def test_white_space_at_the_ends_is_removed_and_entities_are_shifted(bot: Bot) -> None:
    entities = [{"type": "bold", "offset": 2, "length": 4}]
    message = await bot.call("sendMessage", chat_id=ANN, text="\n ab \n ", entities=entities)
    assert (message["text"], message["entities"]) == ("ab", [{"type": "bold", "offset": 0, "length": 2}])


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://localhost/a", "Wrong HTTP URL"),
        ("docs/a.md", "Wrong HTTP URL"),
        ("javascript:alert(1)", "Unsupported URL protocol"),
        ("https://a<b.c", "Wrong URL host: disallowed characters found"),
    ],
)
async def test_url_that_is_no_link_is_refused(bot: Bot, url: str, why: str) -> None:
    entities = [{"type": "text_link", "offset": 0, "length": 1, "url": url}]
    refused = await bot.refused("sendMessage", chat_id=ANN, text="a", entities=entities)
    assert refused == f"Bad Request: entity URL '{url}' is invalid: {why}"


async def test_white_space_in_the_first_entity_is_kept(bot: Bot) -> None:
    entities = [{"type": "pre", "offset": 0, "length": 5}]
    message = await bot.call("sendMessage", chat_id=ANN, text="    x\n", entities=entities)
    assert (message["text"], message["entities"]) == ("    x", entities)


async def test_links_commands_and_names_are_found_outside_code(bot: Bot) -> None:
    code = {"type": "code", "offset": 0, "length": 6}
    message = await bot.call("sendMessage", chat_id=ANN, text="/plan1 /plan see https://a.example/b.", entities=[code])
    assert message["entities"] == [
        code,
        {"type": "bot_command", "offset": 7, "length": 5},
        {"type": "url", "offset": 17, "length": 19},
    ]


async def test_html_becomes_entities(bot: Bot) -> None:
    text = '<b>b<i>i</i></b> &lt;3 <a href="https://e.example">x</a><pre><code class="language-py">1</code></pre>'
    message = await bot.call("sendMessage", chat_id=ANN, text=text, parse_mode="HTML")
    assert message["text"] == "bi <3 x1"
    assert [(e["type"], e["offset"], e["length"]) for e in message["entities"]] == [
        ("bold", 0, 2),
        ("italic", 1, 1),
        ("text_link", 6, 1),
        ("pre", 7, 1),
    ]
    assert message["entities"][3]["language"] == "py"
