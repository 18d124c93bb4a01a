"""The menu of commands, by scope and language."""

from typing import Any

import pytest

from sandbox.telegram.world import GROUP_ID
from tests.sandbox.telegram.bot_api import ANN, BAO, OLGA, Bot


async def test_narrowest_menu_wins_and_then_the_language(bot: Bot) -> None:
    def said(name: str) -> list[dict[str, str]]:
        return [{"command": "start", "description": name}]

    await bot.call("setMyCommands", commands=said("default"))
    await bot.call("setMyCommands", commands=said("mặc định"), language_code="vi")
    await bot.call("setMyCommands", commands=said("group"), scope={"type": "all_group_chats"})
    await bot.call("setMyCommands", commands=said("operator"), scope={"type": "chat", "chat_id": OLGA})
    shown = (await bot.http.get(f"{bot.sandbox.url}/api/state")).json()["commands"]
    assert shown[str(ANN)][str(ANN)] == said("default")
    assert shown[str(BAO)][str(BAO)] == said("mặc định")
    assert shown[str(OLGA)][str(OLGA)] == said("operator")
    assert shown[str(ANN)][str(GROUP_ID)] == said("group")
    assert await bot.call("getMyCommands", language_code="vi") == said("mặc định")
    assert await bot.call("deleteMyCommands", language_code="vi") is True
    assert await bot.call("getMyCommands", language_code="vi") == []


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"commands": [{"command": "Start", "description": "d"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "a" * 33, "description": "d"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "a", "description": ""}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": "a", "description": "d" * 257}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": f"c{n}", "description": "d"} for n in range(101)]}, "BOT_COMMANDS_TOO_MUCH"),
        ({"commands": [], "language_code": "english"}, "invalid language code specified"),
        ({"commands": [], "scope": {"type": "chat", "chat_id": 7}}, "chat not found"),
        ({"commands": [], "scope": {"type": "moon"}}, "can't parse BotCommandScope: unsupported type specified"),
    ],
)
async def test_invalid_commands_are_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    assert await bot.refused("setMyCommands", **params) == f"Bad Request: {why}"


async def test_menu_button_is_a_chats_own_then_everybodys(bot: Bot) -> None:
    app = {"type": "web_app", "text": "Open", "web_app": {"url": "https://farthing.example/app"}}
    assert await bot.call("getChatMenuButton") == {"type": "commands"}
    assert await bot.call("setChatMenuButton", menu_button=app) is True
    assert await bot.call("setChatMenuButton", chat_id=BAO, menu_button={"type": "commands"}) is True
    assert await bot.call("getChatMenuButton", chat_id=ANN) == app
    assert await bot.call("getChatMenuButton", chat_id=BAO) == {"type": "commands"}
    assert await bot.call("setChatMenuButton", chat_id=BAO) is True
    assert await bot.call("getChatMenuButton", chat_id=BAO) == app


@pytest.mark.parametrize(
    ("button", "why"),
    [
        ({"type": "moon"}, "can't parse menu button: MenuButton has unsupported type"),
        (
            {"type": "web_app", "web_app": {"url": "https://x.example"}},
            "can't parse menu button: Can't find field \"text\"",
        ),
        ({"type": "web_app", "text": "Open"}, "can't parse menu button: Can't find field \"web_app\""),
        ({"type": "web_app", "text": "Open", "web_app": {}}, "can't parse menu button: Can't find field \"url\""),
        (
            {"type": "web_app", "text": "", "web_app": {"url": "https://x.example"}},
            "menu button text must be non-empty",
        ),
        (
            {"type": "web_app", "text": "Open", "web_app": {"url": "http://x.example"}},
            "menu button Web App URL 'http://x.example' is invalid: Only HTTPS links are allowed",
        ),
    ],
)
async def test_invalid_menu_button_is_refused(bot: Bot, button: dict[str, Any], why: str) -> None:
    assert await bot.refused("setChatMenuButton", menu_button=button) == f"Bad Request: {why}"
    assert await bot.refused("setChatMenuButton", chat_id=GROUP_ID, menu_button={"type": "default"}) == (
        "Bad Request: user not found"
    )


@pytest.mark.parametrize(("kind", "most"), [("description", 512), ("short_description", 120)])
async def test_text_of_the_profile_by_language(bot: Bot, kind: str, most: int) -> None:
    name = "".join(word.capitalize() for word in kind.split("_"))
    assert await bot.call(f"getMy{name}") == {kind: ""}
    await bot.call(f"setMy{name}", **{kind: "x" * most})
    assert await bot.call(f"getMy{name}", language_code="vi") == {kind: "x" * most}
    await bot.call(f"setMy{name}", language_code="vi", **{kind: "của tôi"})
    assert await bot.call(f"getMy{name}", language_code="vi") == {kind: "của tôi"}
    await bot.call(f"setMy{name}", language_code="vi")
    assert await bot.call(f"getMy{name}", language_code="vi") == {kind: "x" * most}
    assert "TOO_LONG" in await bot.refused(f"setMy{name}", **{kind: "x" * (most + 1)})
    assert "invalid language code" in await bot.refused(f"setMy{name}", language_code="eng", **{kind: "x"})
    for number in range(4):
        await bot.call(f"setMy{name}", **{kind: str(number)})
    assert "Too Many Requests" in await bot.refused(f"setMy{name}", **{kind: "once more"})
