"""The attachments of a message as parts of a prompt: photos as data, files as text, recordings as transcripts."""

import base64

from telegram import Message

from bot.chat import voice
from bot.chat.downloads import Unreadable, download
from bot.chat.pdf import text_of
from bot.context import Context
from bot.updates.merging import ALBUM
from engine.chat import Image, Part, Text

MOST_TEXT_CHARS = 200_000
LONGEST_SIDE = 1568
_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})  # accepted by every model's API
_TEXTUAL = ("text/", "application/json", "application/xml", "application/x-sh", "application/javascript")
_TEXT_NAMES = (
    ".txt",
    ".md",
    ".csv",
    ".json",
    ".py",
    ".js",
    ".ts",
    ".html",
    ".log",
    ".yml",
    ".yaml",
    ".toml",
    ".sql",
    ".go",
    ".rs",
)


async def parts(message: Message, context: Context, text: str) -> list[Part]:
    """Return the message, with the text it replies to and its whole album, as a prompt. Raises Unreadable."""
    found: list[Part] = [Text(text)] if text else []
    reply = message.reply_to_message
    if reply is not None and reply.from_user is not None and not reply.from_user.is_bot and reply.text:
        found.insert(0, Text(f"> {reply.text}\n\n"))
    album = [Message.de_json(each, context.bot) for each in message.api_kwargs.get(ALBUM, ())]
    for number, each in enumerate((message, *album)):
        if each.photo:
            found.append(await _photo(each, context))
        elif each.document:
            found.append(await _document(each, context))
        elif voice.recording_of(each):
            transcript = await voice.transcript_of(each, context, number)
            found.append(Text(f"\n\n{transcript}" if found else transcript))
    if not found:
        raise Unreadable("chat.unreadable")
    return found


async def _photo(message: Message, context: Context) -> Image:
    """Download the largest size within LONGEST_SIDE: models scale larger ones down."""
    sizes = sorted(message.photo, key=lambda size: size.width * size.height)
    fitting = [size for size in sizes if max(size.width, size.height) <= LONGEST_SIDE]
    size = fitting[-1] if fitting else sizes[0]
    data = await download(size.file_id, size.file_size or 0, context)
    encoded = base64.b64encode(data).decode()
    return Image(f"data:image/jpeg;base64,{encoded}", width=size.width, height=size.height)


async def _document(message: Message, context: Context) -> Part:
    """Download a picture, a PDF or a text file. Raises Unreadable for other files."""
    document = message.document
    assert document is not None
    name, kind = (document.file_name or "file").lower(), document.mime_type or ""
    if kind in _PICTURES:
        data = await download(document.file_id, document.file_size or 0, context)
        return Image(f"data:{kind};base64,{base64.b64encode(data).decode()}")
    if kind.startswith("image/"):
        raise Unreadable("chat.image_kind")
    pdf = kind == "application/pdf" or name.endswith(".pdf")
    if not pdf and not kind.startswith(_TEXTUAL) and not name.endswith(_TEXT_NAMES):
        raise Unreadable("chat.file_kind")
    data = await download(document.file_id, document.file_size or 0, context)
    text = await text_of(data) if pdf else data.decode("utf-8", "replace")
    if text is None or not text.strip():
        raise Unreadable("chat.file_empty")
    if len(text) > MOST_TEXT_CHARS:
        raise Unreadable("chat.file_long", chars=MOST_TEXT_CHARS)
    return Text(f"\n\n[{document.file_name or 'file'}]\n{text}")
