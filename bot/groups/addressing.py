"""Sender and addressee of a message: people, anonymous admins and bots; mentions of this bot, found by entities.

Entities, because another user's name may begin with the bot's.
"""

from collections.abc import Iterator, Sequence

from telegram import Message, MessageEntity, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError
from telegram.ext.filters import MessageFilter, StatusUpdate

from bot.context import Context
from bot.formatting.characters import units
from bot.formatting.rich import words_of
from bot.formatting.written import marked, written

ANONYMOUS, CHANNEL, LINKED_CHANNEL = 1087968824, 136817688, 777000
"""The users that Telegram names as senders for anonymous admins, for channels, and for posts of a linked channel."""
_ADMINS = frozenset({ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR})


class CommandFilter(MessageFilter):
    """Accepts messages that begin with a command, even in the caption of a photo or file, but no forwarded message."""

    def filter(self, message: Message) -> bool:
        entities = message.entities or message.caption_entities
        starts = any(each.type == MessageEntity.BOT_COMMAND and each.offset == 0 for each in entities)
        return starts and message.forward_origin is None


class PersonalFilter(MessageFilter):
    """Accepts messages that people wrote, no service messages. Most have a text, and then no kind need be looked at."""

    def filter(self, message: Message) -> bool:
        return bool(message.text) or not StatusUpdate.ALL.check_update(Update(0, message=message))


COMMAND = CommandFilter()
PERSONAL = PersonalFilter()
_AFTER_NAME = ",:;\uff0c\u3001\uff1a\u061b\u060c"
"""The signs between the name of the bot and a question, which are left out with the name."""


def addressed(message: Message, context: Context) -> bool:
    """Return True in private chats; in groups, if the message replies to the bot or mentions it.

    In a forwarded message, a mention does not count: it is its author's.
    """
    if message.chat.type == ChatType.PRIVATE:
        return True
    reply = message.reply_to_message
    if reply is not None and reply.from_user is not None and reply.from_user.id == context.bot.id:
        return True
    return message.forward_origin is None and any(_own(message, context))


def own_words(message: Message, context: Context) -> str:
    """Return the text or caption, in groups without the first mention of the bot."""
    if message.text and not message.entities:
        return message.text
    mention = next(_own(message, context), None)
    if message.chat.type == ChatType.PRIVATE or mention is None or message.forward_origin is not None:
        return written(message) or words_of(message)
    words = written(message, _with_space(message, mention)).strip()
    return words.lstrip(_AFTER_NAME).lstrip() if mention.offset == 0 else words


def _with_space(message: Message, mention: MessageEntity) -> MessageEntity:
    """Return the entity with the space before it: without a name in the middle, that one would stand alone."""
    before = MessageEntity(mention.type, mention.offset - 1, mention.length + 1)
    is_spaced = mention.offset > 0 and _slice(message.text or message.caption or "", before).startswith(" ")
    return before if is_spaced else mention


def argument(message: Message) -> str:
    """Return the text or caption after the command, with its line breaks and its formatting."""
    entities: Sequence[MessageEntity] = message.entities if message.text else message.caption_entities
    text = message.text or message.caption or ""
    words = text.split(maxsplit=1)
    rest = words[1] if len(words) > 1 else ""
    moved = (_moved(entity, units(rest) - units(text)) for entity in entities)
    return marked(rest, [each for each in moved if each is not None]).strip()


def _moved(entity: MessageEntity, by: int) -> MessageEntity | None:
    """Return the part of an entity that is left when its text loses its beginning; None if none is left."""
    start, end = max(0, entity.offset + by), entity.offset + entity.length + by
    if end <= start:
        return None
    return MessageEntity(entity.type, start, end - start, url=entity.url, language=entity.language)


def _own(message: Message, context: Context) -> Iterator[MessageEntity]:
    """Yield the entities that mention this bot."""
    text = message.text or message.caption or ""
    entities: Sequence[MessageEntity] = message.entities if message.text else message.caption_entities
    name = f"@{context.bot.username}".lower()
    for entity in entities:
        if entity.type == MessageEntity.TEXT_MENTION:
            if entity.user is not None and entity.user.id == context.bot.id:
                yield entity
        elif entity.type in {MessageEntity.MENTION, MessageEntity.BOT_COMMAND}:
            word = _slice(text, entity).lower()
            if word == name or (entity.type == MessageEntity.BOT_COMMAND and word.endswith(name)):
                yield entity


def _slice(text: str, entity: MessageEntity) -> str:
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")


def is_anonymous(message: Message) -> bool:
    """Return True if the message has no person as its sender who could be charged."""
    sender = message.from_user
    return message.sender_chat is not None or sender is None or sender.id in {ANONYMOUS, CHANNEL, LINKED_CHANNEL}


def is_other_bot(message: Message) -> bool:
    """Return True for messages of bots: two bots that answer each other would not stop."""
    return message.from_user is not None and message.from_user.is_bot and not is_anonymous(message)


def is_own_result(message: Message, context: Context) -> bool:
    """Return True for an inline result of this bot that a person chose: the answer is put into it by an edit."""
    return message.via_bot is not None and message.via_bot.id == context.bot.id


async def is_chat_admin(context: Context, chat_id: int, user_id: int | None = None) -> bool:
    """Return True if the user (None: the update's) is an admin of this chat; False if Telegram does not confirm it."""
    try:
        member = await context.bot.get_chat_member(chat_id, user_id or context.user.id)
    except TelegramError:
        return False
    return member.status in _ADMINS
