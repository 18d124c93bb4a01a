"""The content of a question as the parts of a prompt: files are downloaded and read, quotations are labelled.

The model gets labels and notes in brackets. The asker gets remarks in the asker's language.
"""

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.attachments import voice
from bot.attachments.content import ANSWER, UNKNOWN, UNSEEN
from bot.attachments.downloads import Unreadable, download
from bot.attachments.earlier import known_part
from bot.context import Context
from bot.formatting.literal import as_code
from documents.reading.file_content import FileContent, Picture, UnreadableFileError
from documents.reading.kinds import picture_type
from engine.catalog.token_counts import estimate_text
from engine.chat import Image, Message, Part, Role, Text
from storage.telegram import conversation_memory, conversations
from storage.telegram.question_content import QuestionFile, Quotation
from storage.telegram.questions import QuestionRecord

log = logging.getLogger(__name__)
FOLLOW_UPS = 3
"""How many questions after one with a picture get the picture again."""
_LABELS = {
    "reply": "Message of {author}, which is replied to",
    "forward": "Forwarded message of {author}",
    "quote": "The selected part of it",
    ANSWER: "Earlier message of yours, which is replied to",
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """The pictures of an earlier question, and remarks to the asker about them."""

    parts: tuple[Part, ...] = ()
    remarks: tuple[str, ...] = ()


async def prompt_of(record: QuestionRecord, context: Context, limit_tokens: int | None = None) -> "Prompt":
    """Return a question as a prompt; texts of files are cut to the model's limit. Raises Unreadable or EngineError."""
    history: Sequence[Message] = ()
    if any(quotation.kind == ANSWER for quotation in record.content.quotations):
        history = await _history(record, context)
    if record.content.all_files and record.is_private:
        await _show_work(context, record.place.chat_id)
    return await Prompt(context, record, history, limit_tokens).build()


async def earlier_pictures(record: QuestionRecord, context: Context, history: Sequence[Message]) -> "Earlier":
    """Return the pictures of one of the last questions, which a question without a picture is likely to be about.

    The conversation holds only a mark in their place. If they can't be fetched, the asker gets a remark.
    """
    asked = [message for message in history if message.role is Role.USER][-FOLLOW_UPS:]
    if not any(part == conversations.PICTURE for message in asked for part in message.parts):
        return Earlier()
    if any(map(_is_picture, record.content.all_files)):
        return Earlier()
    before = await context.services.db.read(lambda conn: conversation_memory.questions_before(conn, record, FOLLOW_UPS))
    files = next(filter(None, ([f for f in each.content.files if _is_picture(f)] for each in before)), [])
    prompt = Prompt(context, record)
    try:
        for file in files:
            await prompt.add_file(file)
    except Unreadable as error:
        log.info("a picture of an earlier question was not sent again: %s", error.key)
        return Earlier(remarks=(context.t("chat.without_picture"),))
    label = Text("[Picture of an earlier question, before this one:]\n\n")
    return Earlier((label, *prompt.parts)) if prompt.parts else Earlier()


def _is_picture(file: QuestionFile) -> bool:
    return file.kind == "photo" or (file.mime_type.startswith("image/") and "svg" not in file.mime_type)


async def _show_work(context: Context, chat_id: int) -> None:
    """Show "typing" for five seconds, while files are fetched and read before the answer's draft appears."""
    try:
        await context.bot.send_chat_action(chat_id, ChatAction.TYPING)
    except TelegramError as error:
        log.info("a chat action was not sent: %s", error)


async def _history(record: QuestionRecord, context: Context) -> Sequence[Message]:
    """Return the messages that the model gets before the question."""
    state, place = await context.state(), record.place
    most = int(state.settings.get("memory", conversations.MOST_MESSAGES))
    return await context.services.db.read(
        lambda conn: conversations.history(
            conn, place.chat_id, place.thread_id, messages=most, before_request=record.answer_request_id
        )
    )


@dataclass(slots=True)
class Prompt:
    """The parts of a prompt, and remarks to the asker about omissions. Texts above `limit_tokens` are cut."""

    context: Context
    record: QuestionRecord
    history: Sequence[Message] = ()
    limit_tokens: int | None = None
    parts: list[Part] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    async def build(self) -> "Prompt":
        """Build all parts. Raises Unreadable or EngineError."""
        content = self.record.content
        number = len(content.files)
        for quotation in content.quotations:
            await self._add_quotation(quotation, number)
            number += len(quotation.files)
        if content.text:
            self._add(f"{content.speaker}: {content.text}" if content.speaker else content.text)
        elif content.speaker and content.files:
            self._add(f"{content.speaker} sends:")
        for own_number, file in enumerate(content.files):
            await self.add_file(file, own_number)
        if not self.parts:
            raise Unreadable("chat.unreadable")
        return self

    async def _add_quotation(self, quotation: Quotation, number: int) -> None:
        text = quotation.text
        if quotation.kind == ANSWER:
            known = known_part(text, self.history)
            text = text if known is None else known
        if not text and not quotation.files:
            return
        label = _LABELS.get(quotation.kind, quotation.kind).format(author=quotation.author or "somebody")
        self._add(f"[{label}:]\n{_quoted(text)}" if text else f"[{label}:]")
        for file_number, file in enumerate(quotation.files, number):
            if file.kind == UNKNOWN:
                self._add("[You can't see it.]")
                self.remarks.append(self.context.t("chat.unseen_message"))
            elif file.kind in UNSEEN and text:
                self._add(f"[It has a {file.kind.replace('_', ' ')} that you can't see.]")
                self.remarks.append(self.context.t("chat.unseen_reply"))
            else:
                await self.add_file(file, file_number)

    async def add_file(self, file: QuestionFile, number: int = 0) -> None:
        """Add a file; `number` counts the `all_files` of the question. Raises Unreadable or EngineError."""
        if file.kind in UNSEEN:
            raise Unreadable(f"chat.unseen_{file.kind}")
        if file.kind == "photo":
            await self._add_photo(file)
        elif file.kind == "document":
            await self._add_document(file)
        else:
            self._add(await voice.transcript_of(self.record, number, self.context))

    async def _add_document(self, file: QuestionFile) -> None:
        context = self.context
        data = await download(file.file_id, file.size_bytes, context)
        try:
            content = await context.services.reader.read(data, context.user.id, context.language)
        except UnreadableFileError as error:
            raise Unreadable(f"chat.file_{error.flaw}") from error
        if content.unit == "frames":
            self._add_frame(content, file.name or "file")
        else:
            self._add_content(content, file.name or "file")

    def _add_frame(self, content: FileContent, name: str) -> None:
        if not content.is_whole:
            self._add("[The first picture of an animation:]")
            self.remarks.append(self.context.t("chat.part_frames", name=as_code(name)))
        self._add_pictures(content.pictures)

    def _add_content(self, content: FileContent, name: str) -> None:
        text = self._fitting(content.text)
        note = ""
        if len(text) < len(content.text):
            content = FileContent(text, content.pictures, shown=len(text))
        if not content.is_whole:
            note = f", only the first {content.shown} {'pages' if content.unit == 'pages' else 'characters'} of it"
            values = {"name": as_code(name), "shown": content.shown, "total": content.total}
            self.remarks.append(self.context.t(f"chat.part_{content.unit}", **values))
        title = " ".join(name.split()).replace("]", ")")
        self._add(f"[File {title}{note}:]\n{text}" if text else f"[File {title}{note}, as pictures of its pages:]")
        self._add_pictures(content.pictures)

    def _add_pictures(self, pictures: Sequence[Picture]) -> None:
        for picture in pictures:
            url = f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"
            self.parts.append(Image(url, width=picture.width, height=picture.height))

    def _fitting(self, text: str) -> str:
        """Return as much of the text as the model can read."""
        if self.limit_tokens is None:
            return text
        while (tokens := estimate_text(text)) > self.limit_tokens and text:
            text = text[: int(len(text) * self.limit_tokens / tokens * 0.95)]
        return text

    async def _add_photo(self, file: QuestionFile) -> None:
        """Add a picture that Telegram itself made, so that it is not damaged."""
        data = await download(file.file_id, file.size_bytes, self.context)
        url = f"data:{picture_type(data) or file.mime_type};base64,{base64.b64encode(data).decode()}"
        self.parts.append(Image(url, width=file.width, height=file.height))

    def _add(self, text: str) -> None:
        """Add a text, separated from the one before it."""
        self.parts.append(Text(f"\n\n{text}" if self.parts else text))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
