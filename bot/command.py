"""Command: menu, help, handler and buttons from one object; one file each, found by looking."""

import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.context import Context

Run = Callable[[Update, Context], Awaitable[None]]
Press = Callable[[Update, Context, tuple[str, ...]], Awaitable[None]]
MOST_DATA_BYTES = 64


@dataclass(frozen=True, slots=True)
class Command:
    """`buttons`: what each action of its inline buttons does. Its words stand in the locales as command.<name>.

    An admin's command does not exist for anyone else; a private one points to the private chat in groups.
    """

    name: str
    run: Run
    order: int
    admin: bool = False
    private_only: bool = True
    menu: bool = True
    buttons: Mapping[str, Press] = field(default_factory=dict)


@cache
def discover() -> dict[str, Command]:
    """Every COMMAND or COMMANDS of bot/commands, in the menu's order."""
    from bot import commands  # noqa: PLC0415 - the commands import this module

    found: list[Command] = []
    for entry in pkgutil.iter_modules(commands.__path__):
        module = import_module(f"{commands.__name__}.{entry.name}")
        found += getattr(module, "COMMANDS", None) or [module.COMMAND]
    return {command.name: command for command in sorted(found, key=lambda command: command.order)}


def button(text: str, command: str, action: str, *args: object, owner: int) -> InlineKeyboardButton:
    """A button that obeys `owner` alone (0: any admin)."""
    data = ":".join([command, action, *map(str, args), str(owner)])
    if len(data.encode()) > MOST_DATA_BYTES:
        raise ValueError(f"callback data over {MOST_DATA_BYTES} bytes: {data}")
    return InlineKeyboardButton(text, callback_data=data)


def rows(buttons: list[InlineKeyboardButton], width: int = 2) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([buttons[start : start + width] for start in range(0, len(buttons), width)])


@dataclass(frozen=True, slots=True)
class Pressed:
    command: str
    action: str
    args: tuple[str, ...]
    owner: int


def read(data: str) -> Pressed | None:
    """What a button's data says; None when it is none of ours."""
    parts = data.split(":")
    if len(parts) < 3 or not parts[-1].isdecimal():  # noqa: PLR2004 - command, action, owner
        return None
    return Pressed(parts[0], parts[1], tuple(parts[2:-1]), int(parts[-1]))
