"""The commands of the bot, their menus, and the button beside the text field: the Mini App or the commands."""

import logging
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from telegram import MenuButton, MenuButtonCommands, MenuButtonWebApp, WebAppInfo
from telegram.error import TelegramError
from telegram.ext import ExtBot

import locales
from bot import commands
from bot.command import Command
from bot.config import APP_PATH, BotConfig
from bot.profile.menus import set_admin_menu, set_menus

log = logging.getLogger(__name__)


@cache
def discover() -> dict[str, Command]:
    """Import bot/commands and return each COMMAND, or each of COMMANDS, by name, in the order of the menu."""
    found: list[Command] = []
    for entry in pkgutil.iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{entry.name}")
        found += getattr(module, "COMMANDS", None) or [module.COMMAND]
    return {command.name: command for command in sorted(found, key=lambda command: command.order)}


async def register(bot: ExtBot[int], config: BotConfig, chosen: Mapping[int, str] | None = None) -> None:
    """Register the commands and the menu button. A refusal by the Bot API is only logged.

    `chosen`: the languages that admins chose in /settings, by their Telegram ids.
    """
    listed = discover().values()
    await set_menus(bot, listed)
    for admin in sorted(config.admin_ids):
        await set_admin_menu(bot, listed, admin, (chosen or {}).get(admin, ""))
    try:
        await bot.set_chat_menu_button(menu_button=_button(config.public_url))
    except TelegramError as error:
        log.warning("the menu button could not be set: %s", error)


def _button(public_url: str) -> MenuButton:
    """Return the button of the Mini App; without a public URL that of the commands.

    It has one text for all languages.
    """
    if not public_url:
        return MenuButtonCommands()
    app = WebAppInfo(f"{public_url.rstrip('/')}{APP_PATH}")
    return MenuButtonWebApp(locales.text(locales.DEFAULT, "menu.app"), app)
