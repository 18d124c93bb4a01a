"""/settings: language, footer, memory, streaming."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot import locales
from bot.command import Command, button, rows
from bot.context import Context
from storage import conversations, tenants

MEMORIES = (0, 10, 60)
NAMES = {"en": "English", "vi": "Tiếng Việt"}


async def settings(_: Update, context: Context) -> None:
    await context.reply(*await _shown(context))


async def _shown(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    state = await context.state(fresh=True)
    footer = bool(state.settings.get("footer", context.services.config.footer))
    text = context.t(
        "settings.head",
        language=NAMES.get(context.language.partition("-")[0], NAMES["en"]),
        footer=context.t("settings.on" if footer else "settings.off"),
        memory=state.settings.get("memory", conversations.MOST_MESSAGES),
        stream=context.t(f"settings.{state.settings.get('stream', 'draft')}"),
    )
    return text, _keyboard(context, footer=footer, stream=str(state.settings.get("stream", "draft")))


async def change(_: Update, context: Context, args: tuple[str, ...]) -> None:
    name, value = args
    state, db = await context.state(), context.services.db
    if name == "language" and value in locales.LANGUAGES:
        await db.write(lambda conn: tenants.set_language(conn, state.id, value))
    elif name == "footer":
        await db.write(lambda conn: tenants.set_setting(conn, state.id, "footer", value == "on"))
    elif name == "memory" and value.isdecimal():
        await db.write(
            lambda conn: tenants.set_setting(conn, state.id, "memory", min(int(value), conversations.MOST_MESSAGES))
        )
    elif name == "stream" and value in {"draft", "edit"}:
        await db.write(lambda conn: tenants.set_setting(conn, state.id, "stream", value))
    await context.redraw(*await _shown(context))


def _keyboard(context: Context, *, footer: bool, stream: str) -> InlineKeyboardMarkup:
    owner = context.user.id

    def to(label: str, name: str, value: object) -> InlineKeyboardButton:
        return button(label, "settings", "set", name, value, owner=owner)

    buttons = [to(NAMES[language], "language", language) for language in locales.LANGUAGES]
    buttons.append(to(context.t("settings.button_footer"), "footer", "off" if footer else "on"))
    buttons.append(to(context.t("settings.button_stream"), "stream", "edit" if stream == "draft" else "draft"))
    buttons += [to(context.t("settings.button_memory", n=n), "memory", n) for n in MEMORIES]
    return rows(buttons)


COMMAND = Command("settings", settings, 11, buttons={"set": change})
