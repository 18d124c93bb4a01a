"""Every engine error as a sentence: what is wrong, what to do. A test walks the tree."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from telegram import InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from engine import errors


def refusal(context: Context, error: errors.EngineError) -> tuple[str, InlineKeyboardMarkup | None]:
    """The sentence for an error, with the button that mends it where there is one."""
    if isinstance(error, errors.InsufficientFunds):
        return insufficient(context, error)
    return sentence(context.t, error), None


def sentence(t: Callable[..., str], error: errors.EngineError) -> str:
    """By the nearest class that has words."""
    for kind in type(error).__mro__:
        if issubclass(kind, errors.EngineError) and kind in _KEYS:
            key, values = _KEYS[kind]
            return t(key, **{name: read(error) for name, read in values.items()})
    return t("error.EngineError")


def insufficient(
    context: Context, error: errors.InsufficientFunds, wallet_key: str = "error.wallet_short"
) -> tuple[str, InlineKeyboardMarkup]:
    """`wallet_key`: the words for what the wallet alone pays."""
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
