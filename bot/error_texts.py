"""The sentence of every engine error: the cause, and the remedy. A test checks that none is missing."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from telegram import InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from engine import errors


def refusal(context: Context, error: errors.EngineError) -> tuple[str, InlineKeyboardMarkup | None]:
    """Return the sentence for an error, and the button that remedies it if there is one."""
    if isinstance(error, errors.InsufficientFunds):
        return insufficient(context, error)
    return sentence(context.t, error), None


def sentence(t: Callable[..., str], error: errors.EngineError) -> str:
    """Return the sentence of the error's class, or of the nearest base class that has one."""
    for kind in type(error).__mro__:
        if issubclass(kind, errors.EngineError) and kind in _KEYS:
            key, values = _KEYS[kind]
            return t(key, **{name: read(error) for name, read in values.items()})
    return t("error.EngineError")


def insufficient(
    context: Context, error: errors.InsufficientFunds, wallet_key: str = "error.wallet_short"
) -> tuple[str, InlineKeyboardMarkup]:
    """Return the sentence on missing funds; `wallet_key` is used if only the wallet may pay."""
    short = error.shortfall
    key = wallet_key if short.wallet_only else "error.allowance_short"
    text = context.t(
        key,
        missing=str(short.missing),
        left=f"{short.funds.allowance_tokens:,}",
        wallet=str(short.funds.wallet),
    )
    owner = context.user.id
    return text, rows(
        [
            button(context.t("button.topup"), "topup", "open", owner=owner),
            button(context.t("button.plan"), "plan", "open", owner=owner),
        ]
    )


_KEYS: Mapping[type[errors.EngineError], tuple[str, Mapping[str, Callable[[Any], object]]]] = {
    errors.UnknownModel: ("error.UnknownModel", {"model": lambda e: e.model}),
    errors.ModelNotInPlan: ("error.ModelNotInPlan", {"model": lambda e: e.model, "plan": lambda e: e.plan}),
    errors.TooManyRequests: (
        "error.TooManyRequests",
        {"limit": lambda e: e.requests_per_minute, "seconds": lambda e: math.ceil(e.retry_after_seconds)},
    ),
    errors.TenantBanned: ("error.TenantBanned", {}),
    errors.SpendingCapReached: ("error.HouseCapReached", {}),
    errors.BadRequest: ("error.BadRequest", {"reason": lambda e: e.reason}),
    errors.Closing: ("error.Closing", {}),
    errors.InsufficientFunds: ("error.InsufficientFunds", {}),
    errors.RequestRejected: ("error.RequestRejected", {"reason": lambda e: e.reason[:200]}),
    errors.NoProvider: ("error.NoProvider", {"seconds": lambda e: math.ceil(e.retry_after_seconds)}),
    errors.AnswerCut: ("error.AnswerCut", {}),
    errors.HoldLost: ("error.HoldLost", {}),
}
