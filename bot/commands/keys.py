"""/keys: make, list, limit, rename, rotate and revoke API keys. A secret is shown once."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command, Topic
from bot.context import Context, arguments
from engine.catalog.model_names import MOST_NAME_CHARS
from storage.tenants import api_keys as key_units
from storage.tenants.api_keys import ApiKey, KeySettings

LIMITS = (100_000, 1_000_000, 5_000_000, 10_000_000, 25_000_000)
RATES = (1, 5, 10, 30, 60, 120)
DAYS = (30, 90)
_MOST_TOKEN_DIGITS, _MOST_RATE_DIGITS, _MOST_DAY_DIGITS = 15, 6, 4
_MOST_KEY_NAME_CHARS, _MOST_MODELS = 100, 100
_MOST_MODEL_BYTES = 24  # of a model's name within a button's data
_Changes: TypeAlias = Mapping[str, Any]
_Action: TypeAlias = Callable[[Update, Context, tuple[str, ...]], Awaitable[None]]


async def keys(_: Update, context: Context) -> None:
    given = list(arguments(context))
    if given and given[0] in _WORDS:
        await _change_by_words(context, given)
    else:
        await _show(context)


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _show(context)


async def _show(context: Context) -> None:
    found = await _own_keys(context)
    lines = "\n".join(_line(context, key) for key in found) or context.t("keys.none")
    text = context.t("keys.head", url=_url(context), lines=lines)
    await context.reply(text, _keyboard(context, found))


async def make(_: Update, context: Context, __: tuple[str, ...]) -> None:
    if len(await _own_keys(context)) >= key_units.MAX_LIVE:
        await context.reply(context.t("keys.many", count=key_units.MAX_LIVE))
        return
    state, services, key = await context.state(), context.services, key_units.new_key()
    await services.db.write(
        lambda conn: key_units.add(conn, state.id, key, KeySettings(name="telegram"), services.clock.now())
    )
    await context.reply(context.t("keys.made", secret=key.secret, url=_url(context)))


def of_key(work: Callable[[Context, ApiKey], Awaitable[None]]) -> _Action:
    """Return a button's action that works on the key whose id is its first argument, or says that it is gone."""

    async def action(_: Update, context: Context, args: tuple[str, ...]) -> None:
        found = [key for key in await _own_keys(context) if str(key.id) == args[0]]
        if found:
            await work(context, found[0])
        else:
            await context.reply(context.t("keys.gone"))

    return action


async def settings(context: Context, key: ApiKey) -> None:
    """Show a key with a button for each of its settings."""
    actions = ("limit", "rate", "models", "expiry", "name", "rotate")
    buttons = [_button(context, context.t(f"keys.button_{action}"), action, key.id) for action in actions]
    await context.reply(_details(context, key), rows(buttons))


async def choose_limit(context: Context, key: ApiKey) -> None:
    """Offer a button per limit. `/keys limit` sets any other number."""
    buttons = [_button(context, context.written(each), "set", key.id, each) for each in LIMITS]
    buttons.append(_button(context, context.t("keys.no_limit"), "set", key.id, 0))
    text = context.t("keys.choose_limit", prefix=key.prefix, used=key.used_tokens)
    await context.reply(text, rows(buttons, width=3))


async def choose_rate(context: Context, key: ApiKey) -> None:
    """Offer a button per rate. `/keys rate` sets any other number."""
    buttons = [_button(context, str(each), "set_rate", key.id, each) for each in RATES]
    buttons.append(_button(context, context.t("keys.no_limit"), "set_rate", key.id, 0))
    await context.reply(context.t("keys.choose_rate", prefix=key.prefix), rows(buttons, width=3))


async def choose_expiry(context: Context, key: ApiKey) -> None:
    """Offer to end the key in 30 or 90 days. `/keys expire` sets any other number of days."""
    buttons = [_button(context, context.t("keys.in_days", days=days), "set_expiry", key.id, days) for days in DAYS]
    buttons.append(_button(context, context.t("keys.never_expires"), "set_expiry", key.id, 0))
    await context.reply(context.t("keys.choose_expiry", prefix=key.prefix), rows(buttons, width=3))


async def choose_models(context: Context, key: ApiKey) -> None:
    """Offer the configured models, each to be added or taken away. `/keys models` sets any other names."""
    names = context.services.market.catalog.models
    short = [name for name in names if len(name.encode()) <= _MOST_MODEL_BYTES and ":" not in name]
    chosen = key.models or ()
    buttons = [_button(context, f"✓ {name}" if name in chosen else name, "model", key.id, name) for name in short]
    buttons.append(_button(context, context.t("keys.every_model"), "model", key.id, ""))
    text = context.t("keys.choose_models", prefix=key.prefix, models=_models(context, key))
    await context.reply(text, rows(buttons, width=3))


async def say_how_to_rename(context: Context, key: ApiKey) -> None:
    await context.reply(context.t("keys.choose_name", prefix=key.prefix, name=key.name))


async def ask_to_rotate(context: Context, key: ApiKey) -> None:
    buttons = [_button(context, context.t("keys.rotate_yes"), "rotated", key.id)]
    await context.reply(context.t("keys.rotate_sure", prefix=key.prefix), rows(buttons))


async def rotate(context: Context, key: ApiKey) -> None:
    """Replace the secret. The old one is refused at once."""
    state, services, new = await context.state(), context.services, key_units.new_key()
    rotated = await services.db.write(lambda conn: key_units.rotate(conn, state.id, key.id, new, services.clock.now()))
    text = context.t("keys.rotated", secret=new.secret, url=_url(context)) if rotated else context.t("keys.gone")
    await context.reply(text)


async def ask_to_revoke(context: Context, key: ApiKey) -> None:
    buttons = [_button(context, context.t("keys.revoke_yes"), "revoked", key.id)]
    await context.reply(context.t("keys.revoke_sure", prefix=key.prefix), rows(buttons))


async def revoke(context: Context, key: ApiKey) -> None:
    state, now = await context.state(), context.services.clock.now()
    gone = await context.services.db.write(lambda conn: key_units.revoke(conn, state.id, key.id, now))
    await context.reply(context.t("keys.revoked" if gone else "keys.gone"))


async def set_limit(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(context, int(args[0]), {"tokens_per_month": int(args[1]) or None})


async def set_rate(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(context, int(args[0]), {"requests_per_minute": int(args[1]) or None})


async def set_expiry(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(context, int(args[0]), {"expires_at": _after_days(context, int(args[1]))})


async def toggle_model(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Add a model to the key's list, or take it away; with no model left, or an empty name, the key has no list."""
    found = next((key for key in await _own_keys(context) if str(key.id) == args[0]), None)
    if found is None:
        await context.reply(context.t("keys.gone"))
        return
    chosen = found.models or ()
    kept = tuple(name for name in chosen if name != args[1])
    listed = () if not args[1] else kept if args[1] in chosen else (*chosen, args[1])
    await _change(context, found.id, {"models": listed or None})


async def _change(context: Context, key_id: int, changes: _Changes) -> None:
    state, now = await context.state(), context.services.clock.now()
    changed = await context.services.db.write(lambda conn: key_units.change(conn, state.id, key_id, changes, now))
    if changed is None:
        await context.reply(context.t("keys.gone"))
    else:
        await settings(context, changed)


async def _change_by_words(context: Context, given: list[str]) -> None:
    """Change the key of a prefix, as in `/keys rate fk-abc 20`."""
    prefix = given[1].rstrip("…") if len(given) > 1 else ""
    found = [key for key in await _own_keys(context) if prefix and key.prefix.startswith(prefix)]
    changes = _WORDS[given[0]](context, given[2:])
    if len(found) == 1 and changes is not None:
        await _change(context, found[0].id, changes)
    else:
        await context.reply(context.t("keys.usage"))


def _tokens(_: Context, rest: list[str]) -> _Changes | None:
    number = _number(rest, _MOST_TOKEN_DIGITS)
    return None if number is None else {"tokens_per_month": number or None}


def _rate(_: Context, rest: list[str]) -> _Changes | None:
    number = _number(rest, _MOST_RATE_DIGITS)
    return None if number is None else {"requests_per_minute": number or None}


def _expiry(context: Context, rest: list[str]) -> _Changes | None:
    days = _number(rest, _MOST_DAY_DIGITS)
    return None if days is None else {"expires_at": _after_days(context, days)}


def _listed(_: Context, rest: list[str]) -> _Changes | None:
    names = tuple(dict.fromkeys(rest))
    if not names or len(names) > _MOST_MODELS or any(len(name) > MOST_NAME_CHARS for name in names):
        return None
    return {"models": None if names == ("all",) else names}


def _name(_: Context, rest: list[str]) -> _Changes | None:
    name = " ".join(rest).replace("\0", "")
    return {"name": name} if 0 < len(name) <= _MOST_KEY_NAME_CHARS else None


_WORDS: Mapping[str, Callable[[Context, list[str]], _Changes | None]] = {
    "limit": _tokens,
    "rate": _rate,
    "expire": _expiry,
    "models": _listed,
    "name": _name,
}


def _number(rest: list[str], most_digits: int) -> int | None:
    """Return the only word as a whole number; 0 removes a limit. None for anything else."""
    plain = rest[0].replace(",", "").replace("_", "") if len(rest) == 1 else ""
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) <= most_digits else None


def _after_days(context: Context, days: int) -> datetime | None:
    return context.services.clock.now() + timedelta(days=days) if days else None


async def _own_keys(context: Context) -> list[ApiKey]:
    state, now = await context.state(), context.services.clock.now()
    return await context.services.db.read(lambda conn: key_units.list_for(conn, state.id, now))


def _line(context: Context, key: ApiKey) -> str:
    limit = context.t("keys.limit", limit=key.tokens_per_month) if key.tokens_per_month else ""
    used_at = key.last_used_at
    last = context.t("keys.last", day=used_at) if used_at else context.t("keys.never")
    line = context.t("keys.line", prefix=key.prefix, name=key.name, used=key.used_tokens, limit=limit, last=last)
    return f"{line}, {_expires(context, key)}" if key.expires_at else line


def _details(context: Context, key: ApiKey) -> str:
    none = context.t("keys.as_plan")
    return context.t(
        "keys.details",
        prefix=key.prefix,
        name=key.name,
        tokens=key.tokens_per_month or none,
        requests=key.requests_per_minute or none,
        models=_models(context, key),
        expires=_expires(context, key) if key.expires_at else context.t("keys.never_expires"),
    )


def _models(context: Context, key: ApiKey) -> str:
    return ", ".join(f"`{name}`" for name in key.models) if key.models else context.t("keys.every_model")


def _expires(context: Context, key: ApiKey) -> str:
    words = "keys.expired" if key.is_expired(context.services.clock.now()) else "keys.expires"
    return context.t(words, day=key.expires_at)


def _keyboard(context: Context, found: list[ApiKey]) -> InlineKeyboardMarkup:
    buttons = [_button(context, context.t("keys.make"), "make")]
    for key in found:
        buttons.append(_button(context, context.t("keys.settings", prefix=key.prefix), "settings", key.id))
        buttons.append(_button(context, context.t("keys.revoke", prefix=key.prefix), "revoke", key.id))
    return InlineKeyboardMarkup([buttons[:1], *(buttons[at : at + 2] for at in range(1, len(buttons), 2))])


def _button(context: Context, text: str, action: str, *args: object) -> InlineKeyboardButton:
    return button(text, "keys", action, *args, owner=context.user.id)


def _url(context: Context) -> str:
    return context.services.config.http_url.rstrip("/")


COMMAND = Command(
    "keys",
    keys,
    9,
    topic=Topic.PROGRAMS,
    buttons={
        "open": show,
        "make": make,
        "settings": of_key(settings),
        "limit": of_key(choose_limit),
        "rate": of_key(choose_rate),
        "models": of_key(choose_models),
        "expiry": of_key(choose_expiry),
        "name": of_key(say_how_to_rename),
        "rotate": of_key(ask_to_rotate),
        "rotated": of_key(rotate),
        "revoke": of_key(ask_to_revoke),
        "revoked": of_key(revoke),
        "set": set_limit,
        "set_rate": set_rate,
        "set_expiry": set_expiry,
        "model": toggle_model,
    },
)
