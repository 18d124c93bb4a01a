"""Outcomes of attempts, and reasons why offers were left out or rest, in the reader's language."""

import re

import locales
from bot.context import Context
from engine.privacy import LEFT_OUT

_DROPS = {
    LEFT_OUT: "why.left_out",
    "takes no images": "why.drop_no_images",
    "calls no tools": "why.drop_no_tools",
    "has no JSON mode": "why.drop_no_json",
    "gives one choice only": "why.drop_one_choice",
    "takes texts only: token lists are in the vocabulary of OpenAI's own models": "why.drop_texts_only",
    "its bill is not counted in text tokens": "why.drop_other_units",
    "its price can't be read": "why.drop_unreadable_price",
    "no price is known": "why.drop_no_price",
    "no exact price is known": "why.drop_no_price",
    "context too short": "why.drop_short_context",
    "costs more than it charges, and today has lost enough": "why.drop_loss",
    "costs more than the funds left": "why.drop_funds",
    "its free requests are used up": "why.drop_free_used_up",
    "its retry budget is used up": "why.drop_retries_used_up",
    "drained by an operator": "why.drop_drained",
    "the provider has no such model": "why.drop_no_such_model",
    "one probe is under way": "why.drop_probed",
}
"""The reasons that the engine gives for leaving out an offer, with the keys of their texts."""
_SHORT = re.compile(r"context too short: (?P<context>[\d,]+) tokens, and about (?P<needed>[\d,]+) are needed")
_REFUSED = re.compile(r"(?P<provider>\S+) refused the request")
_LEFT = re.compile(r", (?:\d+ s left|until restored)$")


def outcome_in_words(context: Context, outcome: str) -> str:
    """Return an outcome, such as `rate_limited`, in words; an unknown one as it is."""
    key = f"why.outcome_{outcome}"
    return context.t(key) if key in locales.find(context.language).texts else outcome.replace("_", " ")


def drop_in_words(context: Context, reason: str) -> str:
    """Return the reason why an offer was left out; one that no text is known for as it is."""
    if short := _SHORT.fullmatch(reason):
        numbers = {name: int(number.replace(",", "")) for name, number in short.groupdict().items()}
        return context.t("why.drop_short_context_of", **numbers)
    if refused := _REFUSED.fullmatch(reason):
        return context.t("why.drop_refused", provider=refused["provider"])
    parts = [reason] if reason in _DROPS else reason.split(", ")
    if all(part in _DROPS for part in parts):
        return ", ".join(context.t(_DROPS[part]) for part in parts)
    return rest_in_words(context, reason)


def rest_in_words(context: Context, reason: str) -> str:
    """Return the reason of a rest without the time left, which the line shows beside it."""
    cause = _LEFT.sub("", reason)
    if cause == "its limit is used up":
        return context.t("providers.limit_used_up")
    outcome = cause.removeprefix("breaker open after ").removesuffix(" (429)").replace(" ", "_")
    words = outcome_in_words(context, outcome)
    return cause if words == outcome.replace("_", " ") else words
