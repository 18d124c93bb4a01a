"""/app: the dashboard, by a button inside Telegram or a one-time link for a browser; and signing out everywhere."""

from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, LinkPreviewOptions, MessageEntity, Update, WebAppInfo

from bot.buttons import button, rows
from bot.command import Command, Topic
from bot.config import APP_PATH
from bot.context import Context
from bot.formatting.markdown import render
from storage.tenants import app_tokens, tenant_settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 - an address to replace, not to bind


async def app(_: Update, context: Context) -> None:
    """Send the link, in the private chat only. Users without a right to links get the button, or "unknown command"."""
    buttons = opening_buttons(context)
    if _may_have_link(context):
        signing_out = button(context.t("app.sign_out"), "app", "out", owner=context.user.id)
        await _send(context, await _link(context), [*buttons, signing_out])
    elif buttons:
        await context.reply(context.t("app.in_telegram"), rows(buttons))
    else:
        context.args = []  # no note that the words of an unknown command were not used
        await context.reply(context.t("unknown_command"))


async def sign_out(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """End the links and sessions of the user."""
    state, now = await context.state(), context.services.clock.now()
    ended = await context.services.db.write(lambda conn: tenant_settings.sign_out(conn, state.id, now))
    await context.edit_or_reply(context.t("app.signed_out" if ended else "app.not_signed_in"))


def _may_have_link(context: Context) -> bool:
    links_for = context.services.config.app_links
    return links_for == "everyone" or (links_for == "operators" and context.is_admin)


def opening_buttons(context: Context) -> list[InlineKeyboardButton]:
    """Return the button that opens the Mini App; none without an https address, which Telegram requires."""
    url = context.services.config.public_url.rstrip("/")
    if not url.startswith("https://"):
        return []
    return [InlineKeyboardButton(context.t("app.open"), web_app=WebAppInfo(url + APP_PATH))]


async def _link(context: Context) -> str:
    """Return a new link. Its secret is in the fragment, which browsers do not send to a server."""
    state, services = await context.state(), context.services
    secret, now = app_tokens.new_secret(), services.clock.now()
    await services.db.write(lambda conn: app_tokens.add_link(conn, state.id, secret, now))
    return f"{reachable(services.config.http_url)}{APP_PATH}#{secret}"


def reachable(url: str) -> str:
    """Return an address that a browser can open: this machine's if the server listens on every address."""
    parts = urlsplit(url.rstrip("/"))
    host = _ANY_HOST.get(parts.hostname or "")
    return url.rstrip("/") if host is None else f"{parts.scheme}://{host}:{parts.port}"


async def _send(context: Context, link: str, buttons: list[InlineKeyboardButton]) -> None:
    """Send the link without a preview, so that Telegram's servers do not open it."""
    minutes = int(app_tokens.LINK_LIFE.total_seconds()) // 60
    hours = int(app_tokens.SESSION_LIFE.total_seconds()) // 3600
    text = context.t("app.link", minutes=minutes, hours=hours)
    if urlsplit(link).hostname in LOOPBACK:
        text += "\n\n" + context.t("app.this_machine")
    piece = render(text)[0]
    await context.bot.send_message(
        context.user.id,
        f"{piece.text}\n\n{link}",
        entities=[*piece.entities, _link_entity(piece.text, link)],
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_markup=rows(buttons, width=1),
    )


def _link_entity(before: str, link: str) -> MessageEntity:
    """Return the entity that marks the link, because some apps don't recognize a local address.

    Offsets are in UTF-16.
    """
    return MessageEntity(MessageEntity.URL, len(f"{before}\n\n".encode("utf-16-le")) // 2, len(link))


COMMAND = Command("app", app, 13, topic=Topic.PROGRAMS, takes_words=False, buttons={"out": sign_out})
