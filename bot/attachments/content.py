"""The content of a question: the asker's words and files, and the messages that the question refers to.

Nothing is downloaded: files are identified by their Telegram ids.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from telegram import (
    ExternalReplyInfo,
    Message,
    MessageOrigin,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)
from telegram.constants import ChatType

from bot.attachments.told import told
from bot.context import Context
from bot.formatting.characters import is_visible
from bot.formatting.rich import words_of
from bot.formatting.written import marked, written
from bot.updates.merging import ALBUM, PART_CHARS
from storage.telegram.question_content import QuestionContent, QuestionFile, Quotation

LONGEST_SIDE = 1568
MOST_NAME_CHARS = 64
RECORDINGS = ("voice", "audio", "video_note")
UNKNOWN = "unknown"
"""The kind of a content that this version does not know, or that Telegram does not pass on."""
UNSEEN = ("video", "animation", "paid_media", "story", "live_photo", UNKNOWN)
"""Kinds of content that are not passed to models. A question that itself contains one is refused."""
_LOST = QuestionFile(UNKNOWN, "")
ANSWER = "answer"
"""The kind of a quotation of a message of this bot."""


def content_of(message: Message, context: Context, text: str) -> QuestionContent:
    """Return the content of a message, of messages sent together with it, and of the message that it replies to.

    `text`: the words of `message`, without a command or mention.
    """
    more = [Message.de_json(each, context.bot) for each in message.api_kwargs.get(ALBUM, ())]
    together = [message, *more]
    own = [each for each in together if each.forward_origin is None]
    forwards = [each for each in together if each.forward_origin is not None]
    wordless = (each for each in own if not each.text)
    shown = text if any(map(is_visible, text)) else ""
    words = [shown if message in own else "", *_other_captions(message, own), *map(told, wordless)]
    return QuestionContent(
        "\n\n".join(filter(None, words)),
        tuple(file for each in own if (file := file_of(each)) is not None),
        (*_replied(message, context), *_forwarded(forwards)),
        "" if message.chat.type == ChatType.PRIVATE else name_of(context.user.full_name),
        tuple(message.api_kwargs.get(PART_CHARS, ())),
    )


def _other_captions(message: Message, own: Sequence[Message]) -> list[str]:
    """Return the captions of an album except the first one, which belongs to its first message."""
    captions = [written(each) for each in own if each is not message]
    return [caption for caption in captions if caption and caption != written(message)]


def name_of(name: str) -> str:
    """Return a person's or chat's name on one line, of bounded length."""
    return " ".join(name.split())[:MOST_NAME_CHARS]


def _replied(message: Message, context: Context) -> Iterator[Quotation]:
    """Yield the message that this one replies to, and the part of it that was selected."""
    selected, outside, reply = message.quote, message.external_reply, message.reply_to_message
    if reply is not None and not _is_topic_start(reply):
        yield _of_reply(reply, context)
    elif outside is not None:
        text, file = told(outside), file_of(outside)
        is_lost = not text and file is None and selected is None
        files = (_LOST,) if is_lost else tuple(each for each in (file,) if each is not None)
        yield Quotation("reply", text, origin_name(outside.origin), files)
    elif message.reply_to_story is not None:
        yield Quotation("reply", "", "", (QuestionFile("story", ""),))
    if selected is not None and (selected.is_manual or reply is None):
        yield Quotation("quote", marked(selected.text, selected.entities or ()))


def _is_topic_start(reply: Message) -> bool:
    """Return True for a forum topic's service message, which every message of the topic replies to."""
    return reply.forum_topic_created is not None


def _of_reply(reply: Message, context: Context) -> Quotation:
    is_own = reply.from_user is not None and reply.from_user.id == context.bot.id
    words, file = _words(reply), file_of(reply)
    if is_own:
        return Quotation(ANSWER, words, _author(reply))
    is_lost = not words and file is None
    files = (_LOST,) if is_lost else tuple(each for each in (file,) if each is not None)
    return Quotation("reply", words, _author(reply), files)


def _words(message: Message) -> str:
    return "\n\n".join(filter(None, (written(message) or words_of(message), told(message))))


def _author(message: Message) -> str:
    if message.forward_origin is not None:
        return origin_name(message.forward_origin)
    if message.sender_chat is not None:
        return name_of(message.sender_chat.effective_name or "")
    return name_of(message.from_user.full_name) if message.from_user is not None else ""


def origin_name(origin: MessageOrigin) -> str:
    """Return the name of the person, chat or channel that first sent a message."""
    if isinstance(origin, MessageOriginUser):
        return name_of(origin.sender_user.full_name)
    if isinstance(origin, MessageOriginHiddenUser):
        return name_of(origin.sender_user_name)
    if isinstance(origin, MessageOriginChat):
        return name_of(origin.sender_chat.effective_name or "")
    if isinstance(origin, MessageOriginChannel):
        return name_of(origin.chat.effective_name or "")
    return ""


def _forwarded(forwards: Sequence[Message]) -> Iterator[Quotation]:
    """Yield the forwarded messages. Those of one album become one quotation."""
    numbered = enumerate(forwards)
    for _, group in groupby(numbered, lambda pair: pair[1].media_group_id or f"message {pair[0]}"):
        messages = [message for _, message in group]
        text = "\n\n".join(filter(None, map(_words, messages)))
        files = tuple(file for each in messages if (file := file_of(each)) is not None)
        yield Quotation("forward", text, _author(messages[0]), files)


def file_of(source: Message | ExternalReplyInfo) -> QuestionFile | None:
    """Return the file of a message, even one that models can't see; None if it has none."""
    if source.photo:
        return _photo(source.photo)
    for kind in UNSEEN:
        if content := getattr(source, kind, None):
            return QuestionFile(kind, getattr(content, "file_id", ""))
    if document := source.document:
        size, name, kind = document.file_size or 0, document.file_name or "", document.mime_type or ""
        return QuestionFile("document", document.file_id, size, name, kind)
    recording = next((_recording(kind, found) for kind in RECORDINGS if (found := getattr(source, kind))), None)
    return _LOST if recording is None and _has_unknown_file(source) else recording


def _has_unknown_file(source: Message | ExternalReplyInfo) -> bool:
    """Return True for the caption of a content of an unknown kind."""
    return isinstance(source, Message) and bool(source.caption) and source.effective_attachment is None


def _photo(photo: Sequence[Any]) -> QuestionFile:
    """Return the largest size within LONGEST_SIDE, because models scale larger pictures down."""
    sizes = sorted(photo, key=lambda size: size.width * size.height)
    fitting = [size for size in sizes if max(size.width, size.height) <= LONGEST_SIDE]
    size = fitting[-1] if fitting else sizes[0]
    about = {"mime_type": "image/jpeg", "width": size.width, "height": size.height}
    return QuestionFile("photo", size.file_id, size.file_size or 0, **about)


def _recording(kind: str, found: Any) -> QuestionFile:
    declared = "video/mp4" if kind == "video_note" else found.mime_type or "audio/ogg"
    seconds = found.duration.total_seconds() if isinstance(found.duration, timedelta) else found.duration
    return QuestionFile(kind, found.file_id, found.file_size or 0, mime_type=declared, seconds=max(0, round(seconds)))
