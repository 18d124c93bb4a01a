"""The message with the secret of an API key: shown once, and deleted from the chat by its button."""

from telegram import CopyTextButton, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest

from bot.buttons import button
from bot.context import Context
from storage.tenants.api_keys import ApiKey

COMMAND, SAVED = "keys", "saved"


def address(context: Context) -> str:
    """Return the address of the HTTP interface."""
    return context.services.config.http_url.rstrip("/")


async def send_secret(context: Context, text: str, secret: str, key: ApiKey) -> None:
    """Send a key's secret, with a warning and a button that deletes the message."""
    owner = context.user.id
    shown = context.t(text, name=key.name, secret=secret, url=address(context))
    buttons = [
        [InlineKeyboardButton(context.t("keys.copy"), copy_text=CopyTextButton(secret))],
        [button(context.t("keys.button_saved"), COMMAND, SAVED, owner=owner)],
        [button(context.t("keys.button_name"), COMMAND, "name", key.id, owner=owner)],
    ]
    await context.reply(f"{shown}\n\n{context.t('keys.warning')}", InlineKeyboardMarkup(buttons))


async def delete_secret(update: Update, context: Context, _: tuple[str, ...]) -> None:
    """Delete the message with the secret; after 48 hours, when Telegram no longer deletes it, overwrite it."""
    query = update.callback_query
    message = query.message if query is not None else None
    if message is None:
        return
    try:
        await context.bot.delete_message(message.chat.id, message.message_id)
    except BadRequest:
        await context.edit_or_reply(context.t("keys.hidden"))
    await context.answer_press(context.t("keys.hidden"))
