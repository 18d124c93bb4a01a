"""Senders of messages: people, anonymous admins and channels, and other bots."""

from telegram import Message
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.context import Context

ANONYMOUS, CHANNEL, LINKED_CHANNEL = 1087968824, 136817688, 777000
"""The users that Telegram names as senders for anonymous admins, for channels, and for posts of a linked channel."""
_ADMINS = frozenset({ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR})


def is_anonymous(message: Message) -> bool:
    """Return True if the message has no person as its sender who could be charged."""
    sender = message.from_user
    return message.sender_chat is not None or sender is None or sender.id in {ANONYMOUS, CHANNEL, LINKED_CHANNEL}


def is_other_bot(message: Message) -> bool:
    """Return True for messages of bots: two bots that answer each other would not stop."""
    return message.from_user is not None and message.from_user.is_bot and not is_anonymous(message)


def is_own_result(message: Message, context: Context) -> bool:
    """Return True for an inline result of this bot that a person chose: the answer is put into it by an edit."""
    return message.via_bot is not None and message.via_bot.id == context.bot.id


async def is_chat_admin(context: Context, chat_id: int, user_id: int | None = None) -> bool:
    """Return True if the user (None: the update's) is an admin of this chat; False if Telegram does not confirm it."""
    try:
        member = await context.bot.get_chat_member(chat_id, user_id or context.user.id)
    except TelegramError:
        return False
    return member.status in _ADMINS
