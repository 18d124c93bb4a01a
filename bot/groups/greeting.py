"""The greeting in a group: how to ask, which messages the bot can read, and who pays."""

import logging
from datetime import datetime

from telegram import ChatMember, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError

from bot.context import Context
from bot.groups.addressing import is_chat_admin
from storage.database.connection import Connection
from storage.tenants import notices, tenant_settings

log = logging.getLogger(__name__)
GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})
_OUTSIDE = frozenset({ChatMemberStatus.LEFT, ChatMemberStatus.BANNED})


async def greeting(context: Context, chat_id: int) -> str:
    """Return the greeting in the language of the user who caused it. A bot that is an admin gets every message."""
    sees_all = context.bot.can_read_all_group_messages or await is_chat_admin(context, chat_id, context.bot.id)
    sees = "group.sees_all" if sees_all else "group.sees_some"
    return context.t("group.hello", bot=context.bot.username) + "\n\n" + context.t(sees)


async def on_membership(update: Update, context: Context) -> None:
    """Greet a group that the bot was added to. In private, store whether the user has blocked the bot."""
    change = update.my_chat_member
    assert change is not None
    if change.chat.type == ChatType.PRIVATE:
        user_id, blocked = change.chat.id, change.new_chat_member.status == ChatMemberStatus.BANNED
        await context.services.db.write(lambda conn: tenant_settings.set_blocked(conn, user_id, blocked))
    elif change.chat.type in GROUPS and not _is_inside(change.old_chat_member) and _is_inside(change.new_chat_member):
        await _greet(context, change.chat.id)


async def _greet(context: Context, chat_id: int) -> None:
    """Greet a group, at most once a day."""
    now = context.services.clock.now()
    if not await context.services.db.write(lambda conn: first_greeting(conn, chat_id, now)):
        return
    try:
        await context.reply(await greeting(context, chat_id))
    except TelegramError as error:
        log.info("a group could not be greeted: %s", error)


def first_greeting(conn: Connection, chat_id: int, now: datetime) -> bool:
    """Record a greeting. Return False if one was sent this day, or the group has moved to this chat id."""
    return notices.first_time(conn, f"greeted:{chat_id}:{now:%Y-%m-%d}", now)


def _is_inside(member: ChatMember) -> bool:
    return member.status not in _OUTSIDE
