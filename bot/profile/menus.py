"""Menus of commands. Each is set only if Telegram has a different one, because such calls are limited strictly."""

import logging
from collections.abc import Iterable
from typing import TypeAlias

from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

import locales
from bot.command import Command

log = logging.getLogger(__name__)
MOST_DESCRIPTION_CHARS = 256
Scope: TypeAlias = (
    BotCommandScopeDefault | BotCommandScopeAllGroupChats | BotCommandScopeAllPrivateChats | BotCommandScopeChat
)


async def set_menus(bot: ExtBot[int], commands: Iterable[Command]) -> None:
    """Set the menus for all users, in each language: for private chats, for groups, and for any other place."""
    everyone = [command for command in commands if command.menu and not command.admin]
    in_groups = [command for command in everyone if not command.private_only]
    for scope, listed in (
        (BotCommandScopeDefault(), in_groups),
        (BotCommandScopeAllPrivateChats(), everyone),
        (BotCommandScopeAllGroupChats(), in_groups),
    ):
        await _set_languages(bot, listed, scope)


async def set_admin_menu(bot: ExtBot[int], commands: Iterable[Command], admin_id: int, chosen: str) -> None:
    """Set an admin's menu, in the language chosen in /settings, else in that of the app."""
    listed, scope = [command for command in commands if command.menu], BotCommandScopeChat(admin_id)
    if not chosen:
        await _set_languages(bot, listed, scope)
        return
    for code in _codes():
        await _set(bot, menu(listed, locales.find(chosen).code) if code is None else [], scope, code)


def menu(commands: Iterable[Command], language: str) -> list[BotCommand]:
    return [
        BotCommand(each.name, locales.text(language, f"command.{each.name}")[:MOST_DESCRIPTION_CHARS])
        for each in commands
    ]


def _codes() -> list[str | None]:
    """Return the language codes of menus; None for the default language, which all other users see."""
    return [None if language == locales.DEFAULT else language for language in locales.LANGUAGES]


async def _set_languages(bot: ExtBot[int], commands: list[Command], scope: Scope) -> None:
    for code in _codes():
        await _set(bot, menu(commands, code or locales.DEFAULT), scope, code)


async def _set(bot: ExtBot[int], wanted: list[BotCommand], scope: Scope, code: str | None) -> None:
    """Set a menu, or delete it if `wanted` is empty. A refusal by the Bot API is only logged."""
    try:
        if list(await bot.get_my_commands(scope=scope, language_code=code)) == wanted:
            return
        if wanted:
            await bot.set_my_commands(wanted, scope=scope, language_code=code)
        else:
            await bot.delete_my_commands(scope=scope, language_code=code)
    except BadRequest as error:
        log.info("the menu of %s could not be set (has the chat not been started yet?): %s", scope.type, error)
    except TelegramError as error:
        log.warning("the menu could not be set: %s", error)
