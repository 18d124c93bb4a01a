"""/keys: make, list, limit, rename, rotate and revoke API keys. A secret is shown once."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.api_keys.naming import ask_name, chosen_key, free_name, keep_name
from bot.api_keys.secret_message import SAVED, address, delete_secret, send_secret
from bot.api_keys.words import MOST_KEY_NAME_CHARS, WORDS, Changes, after_days
from bot.buttons import button, rows
from bot.chat.pending_input import NONE
from bot.command import Command, Topic
from bot.context import Context, arguments
from storage.tenants import api_keys as key_units
from storage.tenants.api_keys import ApiKey, KeySettings, TooManyKeys

LIMITS = (100_000, 1_000_000, 5_000_000, 10_000_000, 25_000_000)
RATES = (1, 5, 10, 30, 60, 120)
DAYS = (30, 90)
_MOST_MODEL_BYTES = 24  # longest model name that fits into a button's data
_Action: TypeAlias = Callable[[Update, Context, tuple[str, ...]], Awaitable[None]]


async def keys(_: Update, context: Context) -> None:
    given = list(arguments(context))
    if not given:
        await _show(context)
    elif given[0] in WORDS:
        await _change_by_words(context, given)
    else:
        await _show_one(context, " ".join(given))


async def _show_one(context: Context, word: str) -> None:
    """Show the key with this name or prefix."""
    prefix = word.rstrip("…")
    named = [key for key in await _own_keys(context) if key.name == word or key.prefix.startswith(prefix)]
    if len(named) == 1:
        await settings(context, named[0])
    else:
        await context.reply(context.t("keys.usage"))


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _show(context)


async def _show(context: Context) -> None:
    found = await _own_keys(context)
    lines = "\n".join(_line(context, key) for key in found) or context.t("keys.none")
    text = context.t("keys.head", url=address(context), lines=lines)
    await context.reply(text, _keyboard(context, found))


async def make(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state, services, new = await context.state(), context.services, key_units.new_key()
    settings = KeySettings(name=free_name(context, {key.name for key in await _own_keys(context)}))
    made = await services.db.write(lambda conn: key_units.add_own(conn, state.id, new, settings, services.clock.now()))
    if made is TooManyKeys.LIVE:
        await context.reply(context.t("keys.many", count=key_units.MAX_LIVE))
    elif made is TooManyKeys.TODAY:
        await context.reply(context.t("keys.many_today", count=key_units.MOST_A_DAY))
    else:
        await send_secret(context, "keys.made", new.secret, made)


def of_key(work: Callable[[Context, ApiKey], Awaitable[None]]) -> _Action:
    """Return a button's action that works on the key whose id is its first argument; if the key is gone, it says so."""

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
    """Offer a button for each limit. `/keys limit` sets any other number."""
    buttons = [_button(context, context.written(each), "set", key.id, each) for each in LIMITS]
    buttons.append(_button(context, context.t("keys.no_limit"), "set", key.id, 0))
    text = context.t("keys.choose_limit", prefix=key.prefix, used=key.used_tokens)
    await context.reply(text, rows(buttons, width=3))


async def choose_rate(context: Context, key: ApiKey) -> None:
    """Offer a button for each rate. `/keys rate` sets any other number."""
    buttons = [_button(context, str(each), "set_rate", key.id, each) for each in RATES]
    buttons.append(_button(context, context.t("keys.no_limit"), "set_rate", key.id, 0))
    await context.reply(context.t("keys.choose_rate", prefix=key.prefix), rows(buttons, width=3))


async def choose_expiry(context: Context, key: ApiKey) -> None:
    """Offer an end of the key in 30 or 90 days. `/keys expire` sets any other number of days."""
    buttons = [_button(context, context.t("keys.in_days", days=days), "set_expiry", key.id, days) for days in DAYS]
    buttons.append(_button(context, context.t("keys.never_expires"), "set_expiry", key.id, 0))
    await context.reply(context.t("keys.choose_expiry", prefix=key.prefix), rows(buttons, width=3))


async def choose_models(context: Context, key: ApiKey) -> None:
    """Offer the configured models, each to add or remove. `/keys models` sets any other names."""
    names = context.services.market.catalog.models
    short = [name for name in names if len(name.encode()) <= _MOST_MODEL_BYTES and ":" not in name]
    chosen = key.models or ()
    buttons = [_button(context, f"✓ {name}" if name in chosen else name, "model", key.id, name) for name in short]
    buttons.append(_button(context, context.t("keys.every_model"), "model", key.id, ""))
    text = context.t("keys.choose_models", prefix=key.prefix, models=_models(context, key))
    await context.reply(text, rows(buttons, width=3))


async def take_name(context: Context, text: str) -> str | None:
    """Give this name to the key that was chosen last. Return a sentence if the name is too long."""
    changes = WORDS["name"](context, text.split())
    if changes is None:
        return context.t("keys.name_long", most=MOST_KEY_NAME_CHARS)
    await _change(context, await chosen_key(context), changes)
    return None


async def ask_to_rotate(context: Context, key: ApiKey) -> None:
    buttons = [_button(context, context.t("keys.rotate_yes"), "rotated", key.id)]
    await context.reply(context.t("keys.rotate_sure", prefix=key.prefix), rows(buttons))


async def rotate(context: Context, key: ApiKey) -> None:
    """Replace the secret. The old one is refused at once."""
    state, services, new = await context.state(), context.services, key_units.new_key()
    rotated = await services.db.write(lambda conn: key_units.rotate(conn, state.id, key.id, new, services.clock.now()))
    if rotated:
        await send_secret(context, "keys.rotated", new.secret, key)
    else:
        await context.reply(context.t("keys.gone"))


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
    await _change(context, int(args[0]), {"expires_at": after_days(context, int(args[1]))})


async def toggle_model(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Add a model to the key's list, or remove it. With no model left, or an empty name, the key has no list."""
    found = next((key for key in await _own_keys(context) if str(key.id) == args[0]), None)
    if found is None:
        await context.reply(context.t("keys.gone"))
        return
    chosen = found.models or ()
    kept = tuple(name for name in chosen if name != args[1])
    listed = () if not args[1] else kept if args[1] in chosen else (*chosen, args[1])
    await _change(context, found.id, {"models": listed or None})


async def _change(context: Context, key_id: int, changes: Changes) -> None:
    state, now = await context.state(), context.services.clock.now()
    changed = await context.services.db.write(lambda conn: key_units.change(conn, state.id, key_id, changes, now))
    if changed is None:
        await context.reply(context.t("keys.gone"))
    else:
        await settings(context, changed)


async def _change_by_words(context: Context, given: list[str]) -> None:
    """Change the key with a prefix, as in `/keys rate fk-abc 20`."""
    prefix = given[1].rstrip("…") if len(given) > 1 else ""
    found = [key for key in await _own_keys(context) if prefix and key.prefix.startswith(prefix)]
    changes = WORDS[given[0]](context, given[2:])
    if len(found) == 1 and changes is not None:
        await _change(context, found[0].id, changes)
    else:
        await context.reply(context.t("keys.usage"))


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


COMMAND = Command(
    "keys",
    keys,
    9,
    topic=Topic.PROGRAMS,
    ephemeral=True,
    buttons={
        "open": show,
        "make": make,
        "settings": of_key(settings),
        "limit": of_key(choose_limit),
        "rate": of_key(choose_rate),
        "models": of_key(choose_models),
        "expiry": of_key(choose_expiry),
        "name": of_key(ask_name),
        NONE: keep_name,
        SAVED: delete_secret,
        "rotate": of_key(ask_to_rotate),
        "rotated": of_key(rotate),
        "revoke": of_key(ask_to_revoke),
        "revoked": of_key(revoke),
        "set": set_limit,
        "set_rate": set_rate,
        "set_expiry": set_expiry,
        "model": toggle_model,
    },
    take_text=take_name,
)
