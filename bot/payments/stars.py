"""Telegram's list of Star transactions, and the cancelling of subscriptions."""

import logging
from datetime import UTC, datetime, timedelta

from telegram import LabeledPrice, StarTransaction, TransactionPartnerUser
from telegram.constants import TransactionPartnerUser as Kind
from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

from storage.billing.payments import Payment
from storage.billing.reconciliation import OTHER, PAYMENT, REFUND, StarEntry
from storage.billing.subscriptions import Subscription

log = logging.getLogger(__name__)
PAGE = 100


class StarsClient:
    """Telegram's side of payments, for the scheduler's jobs."""

    def __init__(self, bot: ExtBot[int]) -> None:
        self._bot = bot

    @property
    def bot_id(self) -> int:
        return int(self._bot.token.partition(":")[0])  # Bot.id would need a getMe call first

    async def page(self, offset: int) -> list[StarEntry]:
        """Return up to 100 transactions from `offset` on, oldest first. Raises OSError if Telegram can't be reached."""
        try:
            found = await self._bot.get_star_transactions(offset=offset, limit=PAGE)
        except TelegramError as error:
            raise OSError(str(error)) from error
        return [entry(each) for each in found.transactions]

    async def username(self) -> str:
        """Return the bot's username. Raises OSError if Telegram can't be reached."""
        try:
            found = await self._bot.get_me() if self._bot._bot_user is None else self._bot.bot  # noqa: SLF001
        except TelegramError as error:
            raise OSError(str(error)) from error
        return found.username or ""

    async def invoice_link(
        self, title: str, description: str, payload: str, label: str, stars: int, *, period_seconds: int | None = None
    ) -> str:
        """Return a link to an invoice in Stars. Raises OSError if Telegram refuses it or can't be reached."""
        try:
            return await self._bot.create_invoice_link(
                title=title,
                description=description,
                payload=payload,
                currency="XTR",
                prices=[LabeledPrice(label, stars)],
                subscription_period=period_seconds,
            )
        except TelegramError as error:
            raise OSError(str(error)) from error

    async def edit(self, subscription: Subscription, user_id: int, *, cancelled: bool) -> bool | None:
        """Cancel or resume a subscription, as `cancel` does."""
        return await edit(self._bot, subscription, user_id, cancelled=cancelled)

    async def cancel(self, subscription: Subscription, user_id: int) -> bool | None:
        """Cancel a subscription.

        Return True if done, False if Telegram refuses, None if it can't be reached: retry later.
        """
        return await edit(self._bot, subscription, user_id, cancelled=True)


async def edit(bot: ExtBot[int], subscription: Subscription, user_id: int, *, cancelled: bool) -> bool | None:
    """Cancel or resume a subscription, by the first of its charge ids that Telegram accepts."""
    for charge_id in subscription.charge_ids:
        try:
            await bot.edit_user_star_subscription(user_id, charge_id, cancelled)
        except BadRequest as error:
            log.info("a subscription could not be edited: %s", error)
        except TelegramError as error:
            log.warning("a subscription could not be edited yet: %s", error)
            return None
        else:
            return True
    return False


def entry(found: StarTransaction) -> StarEntry:
    """Convert a transaction: a payment has a source, a refund a receiver. Gifts and paid media are OTHER."""
    source, receiver = found.source, found.receiver
    at = found.date if isinstance(found.date, datetime) else datetime.fromtimestamp(found.date, UTC)
    if isinstance(source, TransactionPartnerUser) and source.transaction_type == Kind.INVOICE_PAYMENT:
        kind, partner = PAYMENT, source
    elif isinstance(receiver, TransactionPartnerUser) and receiver.transaction_type == Kind.INVOICE_PAYMENT:
        kind, partner = REFUND, receiver
    else:
        return StarEntry(OTHER, at, Payment(found.id, "", 0, found.amount))
    period = partner.subscription_period
    until = at + (period if isinstance(period, timedelta) else timedelta(seconds=period)) if period else None
    payment = Payment(found.id, partner.invoice_payload or "", partner.user.id, found.amount, until)
    return StarEntry(kind, at, payment)
