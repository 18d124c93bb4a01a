"""Ephemeral messages: replies in a group that only one person sees, available since Bot API 10.3.

An older Bot API server ignores the parameters and posts for everybody, so `is_known` tests the server first, and each
sent message is checked. Telegram allows them in groups where the bot is an admin, or within 15 seconds of an ephemeral
command. They have no id that other methods accept.
"""

from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.error import BadRequest, EndPointNotFound
from telegram.ext import ExtBot

ID = "ephemeral_message_id"


class NotEphemeralError(Exception):
    """Telegram can't show this reply to one person alone. Nothing of it is left in the chat."""


async def is_known(bot: ExtBot[int]) -> bool:
    """Return True if the server knows ephemeral messages: it then complains about missing arguments of this call."""
    try:
        await bot.do_api_request("deleteEphemeralMessage")
    except EndPointNotFound:
        return False
    except BadRequest:
        return True
    return False


def incoming_id(update: Update | None) -> int | None:
    """Return the id of an ephemeral command, which only the bot sees and which gets an ephemeral answer."""
    message = update.effective_message if update is not None else None
    found = message.api_kwargs.get(ID) if message is not None else None
    return found if isinstance(found, int) else None


def parameters(update: Update, user_id: int) -> dict[str, Any]:
    """Return the parameters of a reply that only this user sees."""
    found: dict[str, Any] = {"ephemeral_message_parameters": {"receiver_user_id": user_id}}
    replied = incoming_id(update)
    return found if replied is None else found | {"reply_parameters": {ID: replied}}


def without_presses(keyboard: InlineKeyboardMarkup | None, link: InlineKeyboardButton) -> InlineKeyboardMarkup | None:
    """Return the keyboard of an ephemeral reply: a link to the private chat, where the buttons work."""
    return None if keyboard is None else InlineKeyboardMarkup([[link]])


async def checked(bot: ExtBot[int], message: Message) -> Message:
    """Return the sent message. If everybody sees it, delete it and raise NotEphemeralError."""
    if ID not in message.api_kwargs:
        await bot.delete_message(message.chat.id, message.message_id)
        raise NotEphemeralError
    return message
