"""/keys: make, list, limit, revoke; the secret is shown once."""

from telegram import InlineKeyboardMarkup, Update

from bot.command import Command, button, rows
from bot.context import Context, arguments
from storage import keys as key_units
from storage.keys import Key

MOST_KEYS = 10


async def keys(_: Update, context: Context) -> None:
    if arguments(context)[:1] == ["limit"]:
        await _limit(context, list(arguments(context)[1:]))
        return
    found = await _mine(context)
    lines = "\n".join(_line(context, key) for key in found) or context.t("keys.none")
    text = context.t("keys.head", url=_url(context), lines=lines)
    await context.reply(text, _keyboard(context, found))


async def make(_: Update, context: Context, __: tuple[str, ...]) -> None:
    if len(await _mine(context)) >= MOST_KEYS:
        await context.reply(context.t("keys.many", count=MOST_KEYS))
        return
    state, services, key = await context.state(), context.services, key_units.new_key()
    await services.db.write(
        lambda conn: key_units.add(
            conn, state.id, key, name="telegram", tokens_per_month=None, now=services.clock.now()
        )
    )
    await context.reply(context.t("keys.made", secret=key.secret, url=_url(context)))


async def revoke(_: Update, context: Context, args: tuple[str, ...]) -> None:
    state, now = await context.state(), context.services.clock.now()
    gone = await context.services.db.write(lambda conn: key_units.revoke(conn, state.id, int(args[0]), now))
    await context.reply(context.t("keys.revoked" if gone else "keys.gone"))


async def _limit(context: Context, words: list[str]) -> None:
    found = [key for key in await _mine(context) if words and key.prefix.startswith(words[0].rstrip("…"))]
    if len(words) != 2 or not words[1].isdigit() or len(found) != 1:  # noqa: PLR2004 - prefix, tokens
        await context.reply(context.t("keys.usage"))
        return
    state, tokens = await context.state(), int(words[1]) or None
    await context.services.db.write(lambda conn: key_units.set_limit(conn, state.id, found[0].id, tokens))
    await context.reply(context.t("keys.limit_set", limit=f"{tokens:,}") if tokens else context.t("keys.limit_off"))


async def _mine(context: Context) -> list[Key]:
    state, now = await context.state(), context.services.clock.now()
    return await context.services.db.read(lambda conn: key_units.list_for(conn, state.id, now))


def _line(context: Context, key: Key) -> str:
    limit = context.t("keys.limit", limit=f"{key.tokens_per_month:,}") if key.tokens_per_month else ""
    last = f"{key.last_used_at:%Y-%m-%d}" if key.last_used_at else context.t("keys.never")
    return context.t("keys.line", prefix=key.prefix, name=key.name, used=f"{key.used_tokens:,}", limit=limit, last=last)


def _keyboard(context: Context, found: list[Key]) -> InlineKeyboardMarkup:
    owner = context.user.id
    buttons = [button(context.t("keys.make"), "keys", "make", owner=owner)]
    buttons += [button(context.t("keys.revoke", prefix=k.prefix), "keys", "revoke", k.id, owner=owner) for k in found]
    return rows(buttons, width=1)


def _url(context: Context) -> str:
    return context.services.config.http_url.rstrip("/")


COMMAND = Command("keys", keys, 9, buttons={"make": make, "revoke": revoke})
