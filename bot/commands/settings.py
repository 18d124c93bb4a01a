"""/settings: language, footer, memory, streaming, tables, buttons under answers, privacy; with a link to /limit."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MaybeInaccessibleMessage, Update

import locales
from bot.buttons import button, rows
from bot.command import Command, all_commands
from bot.context import Context, thread_of
from bot.delivery.parts import payload
from bot.formatting.markdown import render, with_tail
from bot.formatting.rich import footer_of, rich
from bot.privacy import exclusions as exclusions_page
from bot.privacy import retention
from bot.profile.menus import set_admin_menu
from bot.scheduled.wording import zone_words
from engine.privacy import Exclusions
from engine.providers.registry import brand
from storage.schedules.zones import zone_of
from storage.telegram import conversations, outbox
from storage.tenants import tenant_settings

MEMORIES = (0, 10, 60)


async def settings(_: Update, context: Context) -> None:
    await context.reply(*await _page(context))


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.edit_or_reply(*await _page(context))


async def _page(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    state = await context.state(fresh=True)
    footer = bool(state.settings.get("footer", context.services.config.footer))
    tables = bool(state.settings.get("tables", False))
    has_buttons = bool(state.settings.get("buttons", True))
    stream = str(state.settings.get("stream", "draft"))
    text = context.t(
        "settings.head",
        language=locales.find(context.language).name,
        footer=context.t("settings.on" if footer else "settings.off"),
        memory=state.settings.get("memory", conversations.MOST_MESSAGES),
        stream=context.t(f"settings.{stream}"),
        tables=context.t("settings.on" if tables else "settings.off"),
        buttons=context.t("settings.on" if has_buttons else "settings.off"),
        left_out=_left_out(context, state.exclusions),
        kept=retention.kept(context, state.keep_days),
        zone=zone_words(zone_of(state.settings)),
    )
    return text, _keyboard(context, footer=footer, stream=stream, tables=tables, has_buttons=has_buttons)


def _left_out(context: Context, exclusions: Exclusions) -> str:
    """Return the names of the excluded providers."""
    named = exclusions_page.providers(context)
    found = [brand(name) for name in named if exclusions.cover(name, exclusions_page.policy_of(context, name))]
    if exclusions.training and context.services.market.catalog.free.allowed:
        found.append(context.t("privacy.free_tiers"))
    return ", ".join(found) or context.t("privacy.nobody")


async def change(_: Update, context: Context, args: tuple[str, ...]) -> None:
    name, value = args
    state, db = await context.state(), context.services.db
    if name == "language" and value in locales.LANGUAGES:
        await db.write(lambda conn: tenant_settings.set_language(conn, state.id, value))
        if context.is_admin:
            await set_admin_menu(context.bot, all_commands(context).values(), context.user.id, value)
    elif name in {"footer", "tables", "buttons"}:
        await db.write(lambda conn: tenant_settings.set_setting(conn, state.id, name, value == "on"))
    elif name == "memory" and value.isdecimal():
        await db.write(
            lambda conn: tenant_settings.set_setting(
                conn, state.id, "memory", min(int(value), conversations.MOST_MESSAGES)
            )
        )
    elif name == "stream" and value in {"draft", "edit"}:
        await db.write(lambda conn: tenant_settings.set_setting(conn, state.id, "stream", value))
    await context.edit_or_reply(*await _page(context))


async def as_text(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Replace a rich message by the text of its answer. The outbox makes a second press harmless."""
    query, state = update.callback_query, await context.state()
    assert query is not None
    services, request_id = context.services, f"tg:{context.services.bot_id}:{args[0]}"
    answer = await services.db.read(lambda conn: conversations.answer(conn, state.id, request_id))
    if answer is None or query.message is None:
        await context.answer_press(context.t("chat.text_gone"), alert=True)
        return
    place, again = query.message, f"{request_id}:text"
    parts = _as_messages(answer, place)
    now = services.clock.now()
    await services.db.write(lambda conn: outbox.put(conn, again, place.chat.id, parts, services.lease_id, now))
    await context.courier.send(again)


def _as_messages(answer: str, place: MaybeInaccessibleMessage) -> list[str]:
    """Return the messages that replace the rich message. Ordinary messages after it stay."""
    rich_message = rich(answer)
    pieces = render(rich_message.head if rich_message else answer)
    tail = footer_of(place)
    whole, thread_id = with_tail(pieces, tail), thread_of(place)
    return [
        payload(piece, thread_id=thread_id, edit=None if number else place.message_id)
        for number, piece in enumerate(whole)
    ]


def _keyboard(context: Context, *, footer: bool, stream: str, tables: bool, has_buttons: bool) -> InlineKeyboardMarkup:
    owner = context.user.id

    def to(label: str, name: str, value: object) -> InlineKeyboardButton:
        return button(label, "settings", "set", name, value, owner=owner)

    buttons = [to(each.name, "language", each.code) for each in locales.LANGUAGES.values()]
    buttons.append(to(context.t("settings.button_footer"), "footer", "off" if footer else "on"))
    buttons.append(to(context.t("settings.button_stream"), "stream", "edit" if stream == "draft" else "draft"))
    buttons.append(to(context.t("settings.button_tables"), "tables", "off" if tables else "on"))
    buttons.append(to(context.t("settings.button_buttons"), "buttons", "off" if has_buttons else "on"))
    buttons += [to(context.t("settings.button_memory", n=n), "memory", n) for n in MEMORIES]
    buttons.append(button(context.t("settings.button_limit"), "limit", "open", owner=owner))
    buttons.append(button(context.t("settings.button_who"), "settings", "who", owner=owner))
    buttons.append(button(context.t("settings.button_keep"), "settings", "keep", owner=owner))
    buttons.append(button(context.t("timezone.button"), "timezone", "open", owner=owner))
    return rows(buttons)


COMMAND = Command(
    "settings",
    settings,
    11,
    takes_words=False,
    buttons={"open": show, "set": change, "text": as_text, **exclusions_page.ACTIONS, **retention.ACTIONS},
    group_buttons=frozenset({"text"}),
)
