"""Menus by scope and language; each is set once."""

import logging
from typing import Any

import pytest
from telegram import (
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.ext import ExtBot

import locales
from bot.menu import discover
from bot.profile.menus import Scope, set_admin_menu, set_menus
from sandbox.app import Sandbox

COMMANDS = discover().values()
PRIVATE = {each.name for each in COMMANDS if each.menu and not each.admin}
IN_GROUPS = {each.name for each in COMMANDS if each.menu and not each.admin and not each.private_only}


async def names(bot: ExtBot[Any], scope: Scope, code: str | None) -> set[str]:
    return {each.command for each in await bot.get_my_commands(scope=scope, language_code=code)}


def changes(sandbox: Sandbox) -> int:
    return len([name for name, _ in sandbox.world.calls if name in {"setMyCommands", "deleteMyCommands"}])


@pytest.mark.parametrize(
    ("scope", "listed"),
    [
        (BotCommandScopeDefault(), IN_GROUPS),
        (BotCommandScopeAllPrivateChats(), PRIVATE),
        (BotCommandScopeAllGroupChats(), IN_GROUPS),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
async def test_each_scope_has_its_commands_in_each_language(bot: ExtBot[Any], scope: Scope, listed: set[str]) -> None:
    await set_menus(bot, COMMANDS)
    for code, language in ((None, "en"), ("vi", "vi")):
        assert await names(bot, scope, code) == listed
        (first, *_) = await bot.get_my_commands(scope=scope, language_code=code)
        assert first.description == locales.text(language, f"command.{first.command}")


async def test_menus_that_telegram_has_are_not_set_again(sandbox: Sandbox, bot: ExtBot[Any]) -> None:
    await set_menus(bot, COMMANDS)
    await set_admin_menu(bot, COMMANDS, sandbox.admin_id, "")
    before = changes(sandbox)
    await set_menus(bot, COMMANDS)
    await set_admin_menu(bot, COMMANDS, sandbox.admin_id, "")
    assert changes(sandbox) == before > 0


async def test_admins_menu_is_in_the_language_of_the_app_until_one_is_chosen(
    sandbox: Sandbox, bot: ExtBot[Any]
) -> None:
    scope = BotCommandScopeChat(sandbox.admin_id)
    await set_admin_menu(bot, COMMANDS, sandbox.admin_id, "")
    assert "providers" in await names(bot, scope, None)
    assert "providers" in await names(bot, scope, "vi")
    await set_admin_menu(bot, COMMANDS, sandbox.admin_id, "vi")
    (first, *_) = await bot.get_my_commands(scope=scope)
    assert first.description == locales.text("vi", f"command.{first.command}")
    assert await names(bot, scope, "vi") == set()


async def test_admin_who_has_not_started_the_bot_is_only_logged(
    bot: ExtBot[Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await set_admin_menu(bot, COMMANDS, 77, "")
    assert "has the chat not been started yet?" in caplog.text
