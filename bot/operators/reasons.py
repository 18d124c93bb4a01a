"""Outcomes of attempts, and reasons why a provider rests, in the operator's language."""

import re

import locales
from bot.context import Context

_LEFT = re.compile(r", (?:\d+ s left|until restored)$")


def outcome_in_words(context: Context, outcome: str) -> str:
    """Return an outcome, such as `rate_limited`, in words; an unknown one as it is."""
    key = f"why.outcome_{outcome}"
    return context.t(key) if key in locales.find(context.language).texts else outcome.replace("_", " ")


def rest_in_words(context: Context, reason: str) -> str:
    """Return the reason of a rest without the time left, which the line shows beside it."""
    cause = _LEFT.sub("", reason)
    if cause == "its limit is used up":
        return context.t("providers.limit_used_up")
    outcome = cause.removeprefix("breaker open after ").removesuffix(" (429)").replace(" ", "_")
    words = outcome_in_words(context, outcome)
    return cause if words == outcome.replace("_", " ") else words
