"""A sentence for each engine error: the cause, and what to do about it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from engine import errors
from engine.providers.registry import brand

Values = Mapping[str, Callable[[Any], object]]


def refusal(context: Context, error: errors.EngineError) -> tuple[str, InlineKeyboardMarkup | None]:
    """Return the sentence for an error, with buttons that help. In groups it tells nothing of plans and balances."""
    if context.in_group and (kind := next((kind for kind in PERSONAL if isinstance(error, kind)), None)):
        return _in_group(context, f"{key_of(kind)}_group", PERSONAL[kind])
    if isinstance(error, errors.InsufficientFunds):
        return insufficient(context, error)
    text = sentence(context.t, error)
    if isinstance(error, errors.NoProvider) and error.left_out and not context.in_group:
        text += " " + context.t("error.left_out", providers=", ".join(map(brand, error.left_out)))
    return text, None


def _in_group(context: Context, key: str, command: str) -> tuple[str, InlineKeyboardMarkup]:
    """Return a text without figures, and a link to the command in the private chat that shows them."""
    link = InlineKeyboardButton(context.t("button.private"), url=context.private_link(command))
    return context.t(key), rows([link])


def sentence(t: Callable[..., str], error: errors.EngineError) -> str:
    """Return the text of the error's class, or of its nearest parent that has one."""
    kind = next(kind for kind in type(error).__mro__ if kind in VALUES)
    return t(key_of(kind), **{name: read(error) for name, read in VALUES[kind].items()})


def key_of(kind: type) -> str:
    """Return the locales' key of an error class."""
    return f"error.{kind.__name__}"


def insufficient(
    context: Context, error: errors.InsufficientFunds, wallet_key: str = "error.wallet_short"
) -> tuple[str, InlineKeyboardMarkup]:
    """Return the shortfall in figures. `wallet_key`: the text for models that only the wallet pays for."""
    if context.in_group:
        return _in_group(context, f"{key_of(errors.InsufficientFunds)}_group", "topup")
    short = error.shortfall
    if short.is_sponsored:
        key = "error.team_limit" if short.member_limited else "error.team_short"
        return context.t(key), rows([button(context.t("button.team"), "team", "open", owner=context.user.id)])
    key = wallet_key if short.wallet_only else "error.allowance_short"
    text = context.t(
        key,
        missing=short.missing.whole_cents_up(),
        left=short.funds.allowance_tokens,
        wallet=short.funds.wallet,
    )
    owner = context.user.id
    return text, rows(
        [
            button(context.t("button.topup"), "topup", "open", owner=owner),
            button(context.t("button.plan"), "plan", "open", owner=owner),
        ]
    )


PERSONAL: Mapping[type, str] = {
    errors.ModelNotInPlan: "plan",
    errors.ExcludedBySettings: "settings",
    errors.TooManyRequests: "plan",
    errors.DailyAnswersUsed: "plan",
    errors.InsufficientFunds: "topup",
    errors.TenantBanned: "paysupport",
}
"""The errors that mention a tenant's plan, balance or settings, each with the command that shows the details."""

VALUES: Mapping[type, Values] = {
    errors.EngineError: {},
    errors.UnknownModel: {"model": lambda e: e.model},
    errors.ModelNotSold: {"model": lambda e: e.model},
    errors.NotForChat: {"model": lambda e: e.model},
    errors.NotForEmbeddings: {"model": lambda e: e.model},
    errors.ModelNotPriced: {"model": lambda e: e.model},
    errors.ModelNotInPlan: {"model": lambda e: e.model, "plan": lambda e: e.plan},
    errors.ModelNotInKey: {"model": lambda e: e.model},
    errors.ExcludedBySettings: {"providers": lambda e: ", ".join(map(brand, e.providers))},
    errors.TooManyRequests: {
        "limit": lambda e: e.requests_per_minute,
        "seconds": lambda e: math.ceil(e.retry_after_seconds),
    },
    errors.DailyAnswersUsed: {
        "limit": lambda e: e.answers_per_day,
        "hours": lambda e: math.ceil(e.retry_after_seconds / 3600),
    },
    errors.InsufficientFunds: {},
    errors.TenantBanned: {},
    errors.SpendingCapReached: {},
    errors.BadRequest: {"reason": lambda e: e.reason},
    errors.Closing: {},
    errors.RequestRejected: {"reason": lambda e: e.reason[:200]},
    errors.NoProvider: {"seconds": lambda e: math.ceil(e.retry_after_seconds)},
    errors.HoldLost: {},
    errors.AnswerCut: {},
    errors.KeyRefused: {},
    errors.BalanceGone: {},
    errors.RateLimited: {},
    errors.TooBigForNow: {},
    errors.ContextTooLong: {},
    errors.RequestFault: {},
    errors.CapabilityMissing: {},
    errors.NoSuchModel: {},
    errors.Overloaded: {},
    errors.Unreachable: {},
    errors.FirstTokenLate: {},
    errors.WentSilent: {},
    errors.StreamCut: {},
    errors.Garbled: {},
    errors.EmptyAnswer: {},
}
"""The values that an error's text is filled with: a row for each class that is raised."""
