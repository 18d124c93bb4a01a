"""The contents of messages as questions: references first, then, when it is asked, the parts of the prompt."""

import base64

from telegram import Message

from bot.chat import voice
from bot.chat.downloads import Unreadable, download
from bot.chat.pdf import text_of
from bot.context import Context
from bot.formatting.rich import words_of
from bot.updates.merging import ALBUM
from engine.chat import Image, Part, Text
from storage.telegram.question_content import QuestionContent, QuestionFile, Quotation
from storage.telegram.questions import QuestionRecord

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


def content_of(message: Message, context: Context, text: str, *, quotes_bots: bool = False) -> QuestionContent:
    """Return the message, with the text it replies to and its whole album. Nothing is downloaded.

    `quotes_bots`: the model is also told of a bot's message that is replied to.
    """
    album = [Message.de_json(each, context.bot) for each in message.api_kwargs.get(ALBUM, ())]
    files = tuple(file for each in (message, *album) if (file := _file_of(each)) is not None)
    return QuestionContent(text, files, _quotations(message, quotes_bots=quotes_bots))


def _quotations(message: Message, *, quotes_bots: bool) -> tuple[Quotation, ...]:
    reply = message.reply_to_message
    if reply is None or (not quotes_bots and (reply.from_user is None or reply.from_user.is_bot)):
        return ()
    text = reply.text or (quotes_bots and (reply.caption or words_of(reply)))
    return (Quotation("reply", text),) if text else ()


def _file_of(message: Message) -> QuestionFile | None:
    if message.photo:
        return _photo_of(message)
    if document := message.document:
        size, name, kind = document.file_size or 0, document.file_name or "", document.mime_type or ""
        return QuestionFile("document", document.file_id, size, name, kind)
    return voice.file_of(message)


def _photo_of(message: Message) -> QuestionFile:
    """Return the largest size within LONGEST_SIDE: models scale larger ones down."""
    sizes = sorted(message.photo, key=lambda size: size.width * size.height)
    fitting = [size for size in sizes if max(size.width, size.height) <= LONGEST_SIDE]
    size = fitting[-1] if fitting else sizes[0]
    return QuestionFile(
        "photo", size.file_id, size.file_size or 0, mime_type="image/jpeg", width=size.width, height=size.height
    )


async def parts_of(record: QuestionRecord, context: Context) -> list[Part]:
    """Return the question as a prompt: its files are downloaded. Raises Unreadable, EngineError."""
    content = record.content
    found: list[Part] = [Text(f"> {quotation.text}\n\n") for quotation in content.quotations]
    if content.text:
        found.append(Text(content.text))
    for number, file in enumerate(content.files):
        if file.kind == "photo":
            found.append(await _picture(file, context))
        elif file.kind == "document":
            found.append(await _document(file, context))
        else:
            transcript = await voice.transcript_of(record, number, context)
            found.append(Text(f"\n\n{transcript}" if found else transcript))
    if not found:
        raise Unreadable("chat.unreadable")
    return found


async def _picture(file: QuestionFile, context: Context) -> Image:
    data = await download(file.file_id, file.size_bytes, context)
    encoded = base64.b64encode(data).decode()
    return Image(f"data:{file.mime_type};base64,{encoded}", width=file.width, height=file.height)


async def _document(file: QuestionFile, context: Context) -> Part:
    """Download a picture, a PDF or a text file. Raises Unreadable for other files."""
    name, kind = (file.name or "file").lower(), file.mime_type
    if kind in _PICTURES:
        return await _picture(file, context)
    if kind.startswith("image/"):
        raise Unreadable("chat.image_kind")
    pdf = kind == "application/pdf" or name.endswith(".pdf")
    if not pdf and not kind.startswith(_TEXTUAL) and not name.endswith(_TEXT_NAMES):
        raise Unreadable("chat.file_kind")
    data = await download(file.file_id, file.size_bytes, context)
    text = await text_of(data) if pdf else data.decode("utf-8", "replace")
    if text is None or not text.strip():
        raise Unreadable("chat.file_empty")
    if len(text) > MOST_TEXT_CHARS:
        raise Unreadable("chat.file_long", chars=MOST_TEXT_CHARS)
    return Text(f"\n\n[{file.name or 'file'}]\n{text}")
