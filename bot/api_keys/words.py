"""The words of /keys: `limit`, `rate`, `expire`, `models` and `name`, each with the change that it makes to a key."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from bot.context import Context
from engine.catalog.model_names import MOST_NAME_CHARS

_MOST_TOKEN_DIGITS, _MOST_RATE_DIGITS, _MOST_DAY_DIGITS = 15, 6, 4
MOST_KEY_NAME_CHARS, _MOST_MODELS = 100, 100
Changes: TypeAlias = Mapping[str, Any]


def _tokens(_: Context, rest: list[str]) -> Changes | None:
    number = _number(rest, _MOST_TOKEN_DIGITS)
    return None if number is None else {"tokens_per_month": number or None}


def _rate(_: Context, rest: list[str]) -> Changes | None:
    number = _number(rest, _MOST_RATE_DIGITS)
    return None if number is None else {"requests_per_minute": number or None}


def _expiry(context: Context, rest: list[str]) -> Changes | None:
    days = _number(rest, _MOST_DAY_DIGITS)
    return None if days is None else {"expires_at": after_days(context, days)}


def _listed(_: Context, rest: list[str]) -> Changes | None:
    names = tuple(dict.fromkeys(rest))
    if not names or len(names) > _MOST_MODELS or any(len(name) > MOST_NAME_CHARS for name in names):
        return None
    return {"models": None if names == ("all",) else names}


def _name(_: Context, rest: list[str]) -> Changes | None:
    name = " ".join(rest).replace("\0", "")
    return {"name": name} if 0 < len(name) <= MOST_KEY_NAME_CHARS else None


WORDS: Mapping[str, Callable[[Context, list[str]], Changes | None]] = {
    "limit": _tokens,
    "rate": _rate,
    "expire": _expiry,
    "models": _listed,
    "name": _name,
}


def _number(rest: list[str], most_digits: int) -> int | None:
    """Return the only word as a whole number, where 0 removes a limit; None for anything else."""
    plain = rest[0].replace(",", "").replace("_", "") if len(rest) == 1 else ""
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= most_digits else None


def after_days(context: Context, days: int) -> datetime | None:
    return context.services.clock.now() + timedelta(days=days) if days else None
