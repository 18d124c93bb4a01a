"""The words of a message, with formatting that changes their meaning: hidden links, and code with its language."""

from collections.abc import Sequence

from telegram import Message, MessageEntity

MOST_URL_CHARS = 2000


def written(message: Message, left_out: MessageEntity | None = None) -> str:
    """Return the text or caption. Hidden links are followed by their URL, code with a language is fenced.

    `left_out`: an entity whose words are removed, such as the mention of the bot.
    """
    text = message.text or message.caption or ""
    entities: Sequence[MessageEntity] = message.entities if message.text else message.caption_entities
    units = text.encode("utf-16-le", "surrogatepass")
    for entity in sorted(entities, key=lambda each: each.offset, reverse=True):
        start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
        words = units[start:end].decode("utf-16-le", "replace")
        said = "" if entity == left_out else _said(entity, words)
        if said != words:
            units = units[:start] + said.encode("utf-16-le") + units[end:]
    return units.decode("utf-16-le", "replace")


def _said(entity: MessageEntity, words: str) -> str:
    if entity.type == MessageEntity.TEXT_LINK and entity.url and not _shows(words, entity.url):
        return f"{words} ({entity.url[:MOST_URL_CHARS]})"
    if entity.type == MessageEntity.PRE and entity.language:
        return f"```{entity.language}\n{words}\n```"
    return words


def _shows(words: str, url: str) -> bool:
    """Return True if the words of a link are its URL."""
    return words.strip().rstrip("/") in {each.rstrip("/") for each in (url, url.partition("://")[2])}
