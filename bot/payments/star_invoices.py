"""Telegram's invoices in Stars, sent to the private chat of the user who orders."""

from telegram import LabeledPrice

from bot.context import Context
from storage.billing.orders import Order

_TITLE_CHARS, _DESCRIPTION_CHARS = 32, 255


async def send_invoice(context: Context, order: Order) -> None:
    """Send the invoice of an order, whose id is the payload."""
    await context.bot.send_invoice(
        chat_id=context.user.id,
        title=context.t("topup.title", usd=order.usd)[:_TITLE_CHARS],
        description=context.t("topup.description", usd=order.usd)[:_DESCRIPTION_CHARS],
        payload=order.id,
        currency="XTR",
        prices=[LabeledPrice(context.written(order.usd), order.stars)],
        provider_token="",
    )
