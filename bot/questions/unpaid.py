"""The question that waits for money: after a payment, one press asks it."""

from datetime import timedelta

from telegram import InlineKeyboardButton

from bot.buttons import button
from bot.context import Context
from bot.questions.buttons import AGAIN, COMMAND, first_words
from engine.errors import InsufficientFunds
from storage.telegram import question_changes

KEPT = timedelta(days=7)


async def ask_now(context: Context) -> InlineKeyboardButton | None:
    """Return the button that asks the user's last question, if it was refused for lack of money."""
    state, since = await context.state(), context.services.clock.now() - KEPT
    record = await context.services.db.read(
        lambda conn: question_changes.last_unpaid(conn, state.id, InsufficientFunds.__name__, since)
    )
    if record is None:
        return None
    words = first_words(record)
    label = context.t("ask.now_named", question=words) if words else context.t("ask.now")
    return button(label, COMMAND, AGAIN, record.id, record.answers, owner=context.user.id)
