"""Ephemeral messages: replies in a group that one person alone sees, from version 10.3 of the Bot API on.

An older Bot API server ignores the parameters and posts for everybody, so `is_known` asks it first, and each message
that was sent is checked. Telegram shows them in groups where the bot is an admin, or within 15 seconds of an ephemeral
command. They have no id that other methods take.
"""

from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.error import BadRequest, EndPointNotFound
from telegram.ext import ExtBot

ID = "ephemeral_message_id"


class NotEphemeralError(Exception):
    """Telegram does not show this reply to one person alone. Nothing of it is left in the chat."""


async def is_known(bot: ExtBot[int]) -> bool:
    """Return True if the Bot API server knows ephemeral messages: it then misses the arguments of this call."""
    try:
        await bot.do_api_request("deleteEphemeralMessage")
    except EndPointNotFound:
        return False
    except BadRequest:
        return True
    return False


def incoming_id(update: Update | None) -> int | None:
    """Return the id of an ephemeral command, which only the bot sees and which is answered in the same way."""
    message = update.effective_message if update is not None else None
    found = message.api_kwargs.get(ID) if message is not None else None
    return found if isinstance(found, int) else None


def parameters(update: Update, user_id: int) -> dict[str, Any]:
    """Return the parameters of a reply that only this user sees."""
    found: dict[str, Any] = {"ephemeral_message_parameters": {"receiver_user_id": user_id}}
    replied = incoming_id(update)
    return found if replied is None else found | {"reply_parameters": {ID: replied}}


def without_presses(keyboard: InlineKeyboardMarkup | None, link: InlineKeyboardButton) -> InlineKeyboardMarkup | None:
    """Return the keyboard of an ephemeral reply: its buttons are pressed in the private chat, which `link` opens."""
    return None if keyboard is None else InlineKeyboardMarkup([[link]])


async def checked(bot: ExtBot[int], message: Message) -> Message:
    """Return a message that was sent. Deletes one that everybody sees and raises NotEphemeralError."""
    if ID not in message.api_kwargs:
        await bot.delete_message(message.chat.id, message.message_id)
        raise NotEphemeralError
    return message
