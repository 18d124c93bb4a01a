"""Answers that were paid but could not be delivered: offered again once their asker can be reached."""

from datetime import timedelta

from telegram import Update
from telegram.constants import ChatMemberStatus, ChatType

from bot.buttons import button, rows
from bot.context import Context
from bot.questions.buttons import ask_again, first_words
from storage.alerts import alert_messages
from storage.database.connection import Connection
from storage.telegram import outbox, undelivered
from storage.telegram.questions import QuestionRecord
from storage.tenants import tenants

COMMAND, AGAIN = "start", "resend"
OFFERED_FOR = timedelta(days=1)


async def offer_held(context: Context) -> None:
    """Tell the user about each answer that is kept, with a button that sends it. Admins get the alerts they missed."""
    user_id = context.user.id
    if context.is_admin:
        await context.services.db.write(lambda conn: alert_messages.retry_lost(conn, user_id))
    for request_id in await context.services.db.read(lambda conn: outbox.held(conn, user_id)):
        again = button(context.t("chat.send_again"), COMMAND, AGAIN, *_fields(request_id), owner=user_id)
        await context.reply(context.t("chat.held"), rows([again]))


async def on_unblocked(update: Update, context: Context) -> None:
    """Offer the kept answers to a user who unblocked the bot."""
    change = update.my_chat_member
    assert change is not None
    if change.chat.type == ChatType.PRIVATE and change.new_chat_member.status == ChatMemberStatus.MEMBER:
        await offer_held(context)
        await _offer_lost(context)


async def _offer_lost(context: Context) -> None:
    """Tell the user about the last question if its answer could not be sent and was not charged."""
    user_id, since = context.user.id, context.services.clock.now() - OFFERED_FOR

    def unit(conn: Connection) -> QuestionRecord | None:
        known = tenants.by_telegram(conn, user_id)
        return None if known is None else undelivered.last_lost(conn, known.id, since)

    lost = await context.services.db.read(unit)
    if lost is not None:
        await context.state()  # for the language
        text = context.t("chat.not_delivered", question=first_words(lost))
        await context.reply(text, rows([ask_again(context, lost)]))


async def resend(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send a kept answer to its asker. The outbox makes a second press harmless."""
    request_id, user_id, lease_id = ":".join(args), context.user.id, context.services.lease_id
    if await context.services.db.write(lambda conn: outbox.release(conn, request_id, user_id, lease_id)):
        await context.courier.send(request_id)
    else:
        await context.reply(context.t("chat.sent_before"))


def _fields(request_id: str) -> list[str]:
    return request_id.split(":")
