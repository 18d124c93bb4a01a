"""Amounts that operators write in commands, and read in their results."""

import locales
from bot.context import Context
from engine.money import ZERO, Money
from locales.amounts import usd_written


def amount_written(context: Context, text: str) -> Money | None:
    """Return an amount above zero, written as the operator's language does; None for other texts."""
    usd = usd_written(text, locales.find(context.language).formats)
    try:
        amount = None if usd is None else Money.usd(usd)
    except ValueError:
        return None
    return amount if amount is not None and amount > ZERO else None


def owes(context: Context, owed: Money) -> str:
    """Return the sentence about the amount that a tenant owes; "" if it is zero."""
    return context.t("admin.owes", owed=owed) if owed else ""
