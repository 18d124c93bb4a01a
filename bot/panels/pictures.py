"""A message with a picture, a caption and buttons: sent once, then edited in place."""

import logging

from telegram import InlineKeyboardMarkup, InputFile, InputMediaPhoto, Message
from telegram.error import BadRequest

from bot.context import Context
from bot.formatting.characters import units
from bot.formatting.markdown import Piece, render

log = logging.getLogger(__name__)
MOST_CAPTION = 1024
"""Telegram's limit for a caption, in UTF-16 units of its text without markup."""


def fits(markdown: str) -> bool:
    """Return whether this Markdown fits into a caption."""
    pieces = render(markdown)
    return len(pieces) == 1 and units(pieces[0].text) <= MOST_CAPTION


def has_picture(context: Context) -> bool:
    """Return whether the message with the pressed button has a picture: Telegram can't turn it into a text."""
    query = context.incoming.callback_query if context.incoming is not None else None
    return query is not None and isinstance(query.message, Message) and bool(query.message.photo)


async def show_picture(
    context: Context, picture: bytes, name: str, caption: str, keyboard: InlineKeyboardMarkup
) -> None:
    """Replace the message with the pressed button by a picture and its caption, or send them to the user."""
    piece = render(caption)[0]
    query = context.incoming.callback_query if context.incoming is not None else None
    if query is None or not isinstance(query.message, Message):
        await _send(context, picture, name, piece, keyboard)
        return
    media = InputMediaPhoto(picture, caption=piece.text, caption_entities=list(piece.entities), filename=name)
    try:
        await query.edit_message_media(media, reply_markup=keyboard)
    except BadRequest as error:
        if "not modified" not in str(error):
            log.debug("a picture can't be edited: %s", error)
            await _send(context, picture, name, piece, keyboard)


async def _send(context: Context, picture: bytes, name: str, piece: Piece, keyboard: InlineKeyboardMarkup) -> None:
    await context.bot.send_photo(
        context.user.id,
        InputFile(picture, name),
        caption=piece.text,
        caption_entities=list(piece.entities),
        reply_markup=keyboard,
    )
