"""Tests of rich messages: accepted HTML, returned blocks, refusals."""

from typing import Any

import pytest

from sandbox.telegram.refusals import TABLE
from tests.sandbox.telegram.bot_api import ANN, Bot, keys

ROW = "<tr><td>x</td></tr>"


async def blocks(bot: Bot, html: str) -> list[dict[str, Any]]:
    message = await bot.call("sendRichMessage", chat_id=ANN, rich_message={"html": html})
    assert "text" not in message
    found: list[dict[str, Any]] = message["rich_message"]["blocks"]
    return found


async def test_table_is_returned_as_cells(bot: Bot) -> None:
    html = (
        '<table bordered striped><tr><th align="right">a &lt; b</th><th></th></tr><tr><td><b>c</b> d</td></tr></table>'
    )
    (table,) = await blocks(bot, html)
    assert table["is_bordered"]
    assert table["is_striped"]
    assert table["cells"] == [
        [
            {"text": "a < b", "is_header": True, "align": "right", "valign": "top"},
            {"is_header": True, "align": "left", "valign": "top"},
        ],
        [{"text": [{"type": "bold", "text": "c"}, " d"], "align": "left", "valign": "top"}],
    ]


async def test_text_lists_quotations_and_code_are_returned_as_blocks(bot: Bot) -> None:
    found = await blocks(
        bot,
        "<h2>a</h2>plain<br/>words<ol start='3'><li><p>c</p><ul><li>d</li></ul></li></ol>"
        "<blockquote><p>q</p></blockquote><pre><code class='language-py'>x\n y</code></pre><hr/><footer>f</footer>",
    )
    assert [block["type"] for block in found] == [
        "heading",
        "paragraph",
        "list",
        "blockquote",
        "pre",
        "divider",
        "footer",
    ]
    assert found[1]["text"] == ["plain", "\n", "words"]
    assert found[2]["items"][0]["value"] == 3
    assert found[2]["items"][0]["blocks"][1]["items"][0]["blocks"] == [{"type": "paragraph", "text": "d"}]
    assert found[4] == {"type": "pre", "text": "x\n y", "language": "py"}


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("", TABLE["rich_source"][1]),
        (" ", TABLE["rich_content"][1]),
        ("<p> </p>", TABLE["rich_content"][1]),
        ("<ul></ul>", TABLE["rich_content"][1]),
        ("<ul><li></li></ul>", TABLE["rich_content"][1]),
        ("<table></table>", TABLE["rich_content"][1]),
        ("<p>" + "a" * 32_769 + "</p>", TABLE["rich_text"][1]),
        ("<hr/>" * 501, TABLE["rich_blocks"][1]),
        (f"<table>{ROW * 500}</table>", TABLE["rich_blocks"][1]),
        ("<ul>" + "<li>x</li>" * 251 + "</ul>", TABLE["rich_blocks"][1]),
        ("<p>" + "<b>" * 16 + "x" + "</b>" * 16 + "</p>", TABLE["rich_depth"][1]),
        ("<p>" + "<b>" * 5000 + "x" + "</b>" * 5000 + "</p>", TABLE["rich_depth"][1]),
        ("<table><tr>" + "<td>x</td>" * 21 + "</tr></table>", TABLE["rich_columns"][1]),
        ("<p><a href='javascript:x'>y</a></p>", TABLE["rich_url"][1]),
        ("<script>x</script>", 'Bad Request: can\'t parse entities: Unsupported start tag "script" at byte offset 0'),
        ("ü<td>x</td>", 'Bad Request: can\'t parse entities: Unsupported start tag "td" at byte offset 2'),
        ("<p><p>x</p></p>", 'Bad Request: can\'t parse entities: Unsupported start tag "p" at byte offset 3'),
        ("<p>x</b>", "Bad Request: can't parse entities: Unexpected end tag at byte offset 4"),
        ("<p>x", "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"p\""),
    ],
)
async def test_invalid_rich_message_is_refused(bot: Bot, html: str, why: str) -> None:
    assert await bot.refused("sendRichMessage", chat_id=ANN, rich_message={"html": html}) == why
    assert bot.world.messages(ANN) == []


async def test_table_of_a_cell_that_holds_blocks_is_refused(bot: Bot) -> None:
    html = "<table><tr><td><ul><li>x</li></ul></td></tr></table>"
    assert "Unsupported start tag" in await bot.refused("sendRichMessage", chat_id=ANN, rich_message={"html": html})


@pytest.mark.parametrize(
    "html",
    [
        "<p>" + "a" * 32_768 + "</p>",
        "<hr/>" * 500,
        f"<table>{ROW * 499}</table>",
        "<table><tr>" + "<td>x</td>" * 20 + "</tr></table>",
        "<p>" + "<b>" * 15 + "x" + "</b>" * 15 + "</p>",
    ],
)
async def test_message_at_the_limits_is_accepted(bot: Bot, html: str) -> None:
    assert await blocks(bot, html)


async def test_text_becomes_a_rich_message_and_a_text_again(bot: Bot) -> None:
    number = (await bot.call("sendMessage", chat_id=ANN, text="a"))["message_id"]
    where = {"chat_id": ANN, "message_id": number}
    rich = {"rich_message": {"html": "<p>b</p>"}, "reply_markup": keys()}
    edited = await bot.call("editMessageText", **where, **rich)
    assert edited["rich_message"]["blocks"] == [{"type": "paragraph", "text": "b"}]
    assert "text" not in edited
    assert await bot.refused("editMessageText", **where, **rich) == TABLE["not_modified"][1]
    assert await bot.refused("editMessageText", **where, text="c", **rich) == TABLE["text_and_rich"][1]
    again = await bot.call("editMessageText", **where, text="c")
    assert again["text"] == "c"
    assert "rich_message" not in again


async def test_markdown_is_refused(bot: Bot) -> None:
    for given in ({"markdown": "a"}, {"html": "<p>a</p>", "markdown": "a"}, {}):
        assert await bot.refused("sendRichMessage", chat_id=ANN, rich_message=given) == TABLE["rich_source"][1]
