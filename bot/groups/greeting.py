"""The greeting in a group: how to ask, the messages that the bot reads, and the payer."""

import logging

from telegram import ChatMember, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError

from bot.context import Context
from storage.tenants import tenant_settings

log = logging.getLogger(__name__)
GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})
_OUTSIDE = frozenset({ChatMemberStatus.LEFT, ChatMemberStatus.BANNED})


def greeting(context: Context) -> str:
    """Return the greeting in the language of the user who caused it."""
    sees = "group.sees_all" if context.bot.can_read_all_group_messages else "group.sees_some"
    return context.t("group.hello", bot=context.bot.username) + "\n\n" + context.t(sees)


async def on_membership(update: Update, context: Context) -> None:
    """Greet a group that the bot was added to. In private, note whether the user has blocked the bot."""
    change = update.my_chat_member
    assert change is not None
    if change.chat.type == ChatType.PRIVATE:
        user_id, blocked = change.chat.id, change.new_chat_member.status == ChatMemberStatus.BANNED
        await context.services.db.write(lambda conn: tenant_settings.set_blocked(conn, user_id, blocked))
    elif change.chat.type in GROUPS and not _is_inside(change.old_chat_member) and _is_inside(change.new_chat_member):
        await _greet(context)


async def _greet(context: Context) -> None:
    try:
        await context.reply(greeting(context))
    except TelegramError as error:
        log.info("a group could not be greeted: %s", error)


def _is_inside(member: ChatMember) -> bool:
    return member.status not in _OUTSIDE
