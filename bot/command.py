"""The description of one command: its handler, its place in the menu and the actions of its buttons."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from telegram import Update

from bot.context import Context
from bot.formatting.literal import as_shown

Run = Callable[[Update, Context], Awaitable[None]]
Press = Callable[[Update, Context, tuple[str, ...]], Awaitable[None]]
TakeText = Callable[[Context, str], Awaitable[str | None]]


class Topic(StrEnum):
    """A part of /help, in the order of display."""

    CHAT = "chat"
    CONVERSATIONS = "conversations"
    MONEY = "money"
    PROGRAMS = "programs"
    GROUPS = "groups"
    YOU = "you"


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `buttons` maps the action of a button to its handler. The locales describe it as command.<name>.

    An `admin` command does not exist for other users. In groups, a `private_only` command and its buttons point to the
    private chat, except for the buttons in `group_buttons`. `topic` is its part of /help. In a group, an `ephemeral`
    command, whose answer is text only, is answered to its sender alone if Telegram can do that. `take_text` receives
    the text that the command waits for (bot/chat/pending_input.py); it returns None if it took the text, else a
    sentence that says what is expected. Words after a command without `takes_words` are named as unused.
    """

    name: str
    run: Run
    order: int
    admin: bool = False
    private_only: bool = True
    menu: bool = True
    topic: Topic = Topic.YOU
    buttons: Mapping[str, Press] = field(default_factory=dict)
    group_buttons: frozenset[str] = frozenset()
    take_text: TakeText | None = None
    ephemeral: bool = False
    takes_words: bool = True

    def works_in_groups(self, action: str) -> bool:
        """Return True if the button with this action may show its result in a group."""
        return action in self.group_buttons or not (self.private_only or self.admin)


async def say_unused(context: Context, name: str) -> None:
    """Tell the user that the words after a command were not used."""
    if context.args:
        words = as_shown(" ".join(context.args))
        await context.reply(context.t("command_takes_nothing", words=words, command=name))


def all_commands(context: Context) -> Mapping[str, Command]:
    """Return every command by name, in the order of the menu."""
    found: Mapping[str, Command] = context.application.bot_data["commands"]
    return found
