"""The menu of commands by scope and language, and the button beside the text field: the Mini App or the commands."""

import logging
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    MenuButton,
    MenuButtonCommands,
    MenuButtonWebApp,
    WebAppInfo,
)
from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

import locales
from bot import commands
from bot.command import Command
from bot.config import APP_PATH, BotConfig

log = logging.getLogger(__name__)


@cache
def discover() -> dict[str, Command]:
    """Import bot/commands and return each COMMAND, or each of COMMANDS, by name, in the order of the menu."""
    found: list[Command] = []
    for entry in pkgutil.iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{entry.name}")
        found += getattr(module, "COMMANDS", None) or [module.COMMAND]
    return {command.name: command for command in sorted(found, key=lambda command: command.order)}


async def register(bot: ExtBot[int], config: BotConfig) -> None:
    """Register the commands and the menu button. A refusal by the Bot API is only logged."""
    await _set_commands(bot, config.admin_ids)
    try:
        await bot.set_chat_menu_button(menu_button=_button(config.public_url))
    except TelegramError as error:
        log.warning("the menu button could not be set: %s", error)


def _button(public_url: str) -> MenuButton:
    """Return the button of the Mini App, or of the commands without a public URL. It has one text for all languages."""
    if not public_url:
        return MenuButtonCommands()
    app = WebAppInfo(f"{public_url.rstrip('/')}{APP_PATH}")
    return MenuButtonWebApp(locales.text(locales.DEFAULT, "menu.app"), app)


async def _set_commands(bot: ExtBot[int], admin_ids: Iterable[int]) -> None:
    """Set the menu for all users by scope and language, and a longer one for each admin."""
    listed = [command for command in discover().values() if command.menu]
    everyone = [command for command in listed if not command.admin]
    in_groups = [command for command in everyone if not command.private_only]
    for language in locales.LANGUAGES:
        code = None if language == locales.DEFAULT else language.partition("_")[0]
        await _set(bot, _menu(everyone, language), BotCommandScopeAllPrivateChats(), code)
        await _set(bot, _menu(in_groups, language), BotCommandScopeAllGroupChats(), code)
    for admin in sorted(admin_ids):
        await _set(bot, _menu(listed, locales.DEFAULT), BotCommandScopeChat(admin), None)


async def _set(bot: ExtBot[int], menu: list[BotCommand], scope: Any, language: str | None) -> None:
    try:
        await bot.set_my_commands(menu, scope=scope, language_code=language)
    except BadRequest as error:
        log.info("the menu of %s could not be set (has the chat not been started yet?): %s", scope.type, error)
    except TelegramError as error:
        log.warning("the menu could not be set: %s", error)


def _menu(commands: list[Command], language: str) -> list[BotCommand]:
    return [BotCommand(c.name, locales.text(language, f"command.{c.name}")[:256]) for c in commands]
