"""The menu button: the Mini App if there is a public URL, else the commands."""

import logging
from typing import Any

import pytest
from telegram.ext import ExtBot

from bot import menu
from bot.config import BotConfig
from sandbox.app import Sandbox
from sandbox.telegram.methods import METHODS
from sandbox.telegram.params import Params
from sandbox.telegram.refusals import refuse
from sandbox.telegram.world import World
from tests.bot.settings import bot_config

ADDRESS = "https://farthing.example/some/place"


def config(sandbox: Sandbox, public_url: str) -> BotConfig:
    admins = frozenset({sandbox.admin_id})
    return bot_config(token=sandbox.token, api_url=sandbox.telegram_url, admin_ids=admins, public_url=public_url)


async def test_button_opens_the_mini_app_with_a_public_url(sandbox: Sandbox, bot: ExtBot[Any]) -> None:
    await menu.register(bot, config(sandbox, f"{ADDRESS}/"))
    shown = await bot.get_chat_menu_button(1001)
    assert shown.to_dict() == {"type": "web_app", "text": "Account", "web_app": {"url": f"{ADDRESS}/app"}}


async def test_button_shows_the_commands_without_a_public_url(sandbox: Sandbox, bot: ExtBot[Any]) -> None:
    await menu.register(bot, config(sandbox, ADDRESS))
    await menu.register(bot, config(sandbox, ""))
    assert (await bot.get_chat_menu_button(1001)).type == "commands"


async def test_refusal_by_the_bot_api_is_only_logged(
    sandbox: Sandbox, bot: ExtBot[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refusing(_: World, __: Params) -> Any:
        raise refuse("no_method")

    monkeypatch.setitem(METHODS, "setchatmenubutton", refusing)
    with caplog.at_level(logging.WARNING):
        await menu.register(bot, config(sandbox, ADDRESS))
    assert "the menu button could not be set" in caplog.text
    assert sandbox.world.commands
