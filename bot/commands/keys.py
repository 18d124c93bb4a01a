"""/keys: make, list, limit and revoke API keys. A secret is shown once."""

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context, arguments
from storage.tenants import api_keys as key_units
from storage.tenants.api_keys import ApiKey, KeySettings

LIMITS = (100_000, 1_000_000, 5_000_000, 10_000_000, 25_000_000)


async def keys(_: Update, context: Context) -> None:
    if arguments(context)[:1] == ["limit"]:
        await _limit(context, list(arguments(context)[1:]))
        return
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


async def revoke(_: Update, context: Context, args: tuple[str, ...]) -> None:
    state, now = await context.state(), context.services.clock.now()
    gone = await context.services.db.write(lambda conn: key_units.revoke(conn, state.id, int(args[0]), now))
    await context.reply(context.t("keys.revoked" if gone else "keys.gone"))


async def choose_limit(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Offer a button per limit. `/keys limit` sets any other number."""
    found = [key for key in await _own_keys(context) if str(key.id) == args[0]]
    if not found:
        await context.reply(context.t("keys.gone"))
        return
    owner, key = context.user.id, found[0]
    buttons = [button(f"{each:,}", "keys", "set", key.id, each, owner=owner) for each in LIMITS]
    buttons.append(button(context.t("keys.no_limit"), "keys", "set", key.id, 0, owner=owner))
    text = context.t("keys.choose_limit", prefix=key.prefix, used=f"{key.used_tokens:,}")
    await context.reply(text, rows(buttons, width=3))


async def set_limit(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _set(context, int(args[0]), int(args[1]) or None)


async def _set(context: Context, key_id: int, tokens: int | None) -> None:
    state = await context.state()
    changes, now = {"tokens_per_month": tokens}, context.services.clock.now()
    known = await context.services.db.write(lambda conn: key_units.change(conn, state.id, key_id, changes, now))
    if not known:
        await context.reply(context.t("keys.gone"))
    else:
        await context.reply(context.t("keys.limit_set", limit=f"{tokens:,}") if tokens else context.t("keys.limit_off"))


async def _limit(context: Context, given: list[str]) -> None:
    found = [key for key in await _own_keys(context) if given and key.prefix.startswith(given[0].rstrip("…"))]
    plain = [word.replace(",", "").replace("_", "") for word in given]
    if len(given) != 2 or not plain[1].isdecimal() or len(plain[1]) > 15 or len(found) != 1:  # noqa: PLR2004 - 64 bits
        await context.reply(context.t("keys.usage"))
        return
    await _set(context, found[0].id, int(plain[1]) or None)


async def _own_keys(context: Context) -> list[ApiKey]:
    state, now = await context.state(), context.services.clock.now()
    return await context.services.db.read(lambda conn: key_units.list_for(conn, state.id, now))


def _line(context: Context, key: ApiKey) -> str:
    limit = context.t("keys.limit", limit=f"{key.tokens_per_month:,}") if key.tokens_per_month else ""
    used_at = key.last_used_at
    last = context.t("keys.last", day=f"{used_at:%Y-%m-%d}") if used_at else context.t("keys.never")
    return context.t("keys.line", prefix=key.prefix, name=key.name, used=f"{key.used_tokens:,}", limit=limit, last=last)


def _keyboard(context: Context, found: list[ApiKey]) -> InlineKeyboardMarkup:
    owner = context.user.id
    buttons = [button(context.t("keys.make"), "keys", "make", owner=owner)]
    for key in found:
        buttons.append(button(context.t("keys.limit_button", prefix=key.prefix), "keys", "limit", key.id, owner=owner))
        buttons.append(button(context.t("keys.revoke", prefix=key.prefix), "keys", "revoke", key.id, owner=owner))
    return InlineKeyboardMarkup([buttons[:1], *(buttons[at : at + 2] for at in range(1, len(buttons), 2))])


def _url(context: Context) -> str:
    return context.services.config.http_url.rstrip("/")


COMMAND = Command(
    "keys",
    keys,
    9,
    buttons={"open": show, "make": make, "revoke": revoke, "limit": choose_limit, "set": set_limit},
)
