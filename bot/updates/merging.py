"""Messages that a person means as one but Telegram delivers as several.

These are long pastes, albums, forwards with a comment, and pictures or files with the question about them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

JOIN_SECONDS = 0.5
COMMENT_SECONDS = 0.2
"""How long a text waits for the message that it was sent with as a comment."""
FILE_SECONDS = 2.5
"""How long a picture or file without a caption waits, in a private chat, for the question about it."""
NEAR_UNITS, MOST_UNITS = 3500, 4096  # clients cut a long paste near this length
MOST_PARTS = 100  # clients forward up to this many at once
SAME_MOMENT_SECONDS = 1
ALBUM = "farthing_album"
"""The field of a joined message with the other messages: of its album, or forwarded together with it."""
PARTS = "farthing_parts"
"""The field of a joined paste with the ids of its other messages."""
PART_CHARS = "farthing_part_chars"
"""The field of a joined paste with the characters of its other messages, with the line breaks before them.

It is missing where they have formatting, whose marks are part of the text.
"""

Update = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waits:
    """How long messages wait for others, in seconds: texts for what they comment on, files for their question."""

    comment_seconds: float = COMMENT_SECONDS
    file_seconds: float = FILE_SECONDS


USUAL = Waits()


def wait_seconds(parts: Sequence[Update], waits: Waits = USUAL) -> float:
    """Return how long to wait for a next part; 0 if none is expected."""
    last = _message(parts[-1])
    if _is_bare_file(last) and all(map(_is_bare_file, map(_message, parts))):
        return max(waits.file_seconds, JOIN_SECONDS if last.get("media_group_id") else 0.0)
    if last.get("media_group_id") or _is_forward(last) or _units(last.get("text")) >= NEAR_UNITS:
        return JOIN_SECONDS
    return waits.comment_seconds if len(parts) == 1 and _may_be_comment(last) else 0.0


def continues(parts: Sequence[Update], after: Update) -> bool:
    """Return True if `after` belongs to the paste, the album, the forwards or the files of `parts`."""
    last, new = _message(parts[-1]), _message(after)
    if not last or not new or _sender(last) != _sender(new):
        return False
    if last.get("media_group_id") and last["media_group_id"] == new.get("media_group_id"):
        return True
    if _is_forward(last) or _is_forward(new):
        return _sent_together(last, new) and _is_one_question([*map(_message, parts), new])
    if _is_bare_file(last) or (_is_bare_file(new) and len(parts) == 1):
        return _is_about_files([*map(_message, parts)], new)
    is_long = _units(last.get("text")) >= NEAR_UNITS and "reply_to_message" not in new
    return is_long and isinstance(new.get("text"), str) and not new["text"].startswith("/")


def _is_one_question(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Return True for forwards with at most one comment."""
    own = [message for message in messages if not _is_forward(message)]
    return len(own) <= 1 and all(map(_may_be_comment, own))


def _is_about_files(messages: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> bool:
    """Return True for files and one text: the question about them, which may reply to one of them."""
    are_files = all(map(_is_bare_file, messages))
    if are_files and not _is_bare_file(new):
        new = _without_own_reply(messages, new)
        return _may_be_comment(new) and _sent_together(messages[-1], new, FILE_SECONDS)
    if are_files:
        return _sent_together(messages[-1], new, FILE_SECONDS)
    return len(messages) == 1 and _may_be_comment(messages[0]) and _sent_together(messages[0], new)


def _without_own_reply(messages: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message without its reply to one of the messages that it is joined with."""
    reply, ids = new.get("reply_to_message"), {each.get("message_id") for each in messages}
    if not isinstance(reply, dict) or reply.get("message_id") not in ids:
        return new
    return {name: value for name, value in new.items() if name != "reply_to_message"}


def joined(updates: Sequence[Update]) -> dict[str, Any]:
    """Join the parts into one update with the first one's id. Its message is the person's own, if there is one."""
    messages = _distinct(updates)
    own = min(
        range(len(messages)), key=lambda number: (_is_forward(messages[number]), not messages[number].get("text"))
    )
    rest = messages[:own] + messages[own + 1 :]
    message = dict(_without_own_reply(rest, messages[own]))
    if any(not each.get("text") or _is_forward(each) for each in messages):
        captions = [each for each in (message, *rest) if each.get("caption") and not _is_forward(each)]
        if captions and not message.get("text"):
            message |= {name: captions[0][name] for name in ("caption", "caption_entities") if name in captions[0]}
        message[ALBUM] = rest
    elif rest:
        texts = _texts([message, *rest])
        message["text"] = "".join(texts)
        if any(each.get("entities") for each in rest):
            message["entities"] = _entities([message, *rest], texts)
        else:
            message[PART_CHARS] = [len(each) for each in texts[1:]]
        message[PARTS] = [each["message_id"] for each in rest if "message_id" in each]
    return {**updates[0], "message": message}


def _distinct(updates: Sequence[Update]) -> list[dict[str, Any]]:
    """Return the messages of the updates without duplicates: Telegram may repeat one in another update."""
    found: dict[int, dict[str, Any]] = {}
    for number, message in enumerate(map(_message, updates)):
        found.setdefault(message.get("message_id", -1 - number), dict(message))
    return list(found.values())


def _texts(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the texts to join. A text of MOST_UNITS was cut within a line, a shorter one at a line break."""
    found = [str(messages[0]["text"])]
    for before, after in pairwise(messages):
        cut_in_line = _units(before.get("text")) >= MOST_UNITS
        found.append(after["text"] if cut_in_line else f"\n{after['text']}")
    return found


def _entities(messages: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the formatting of the joined text. Code that was cut between two messages is one again."""
    found: list[dict[str, Any]] = []
    start = 0
    for message, text in zip(messages, texts, strict=True):
        lead = start + int(text.startswith("\n") and not str(message["text"]).startswith("\n")) if start else 0
        for entity in filter(_is_placed, message.get("entities") or ()):
            moved = {**entity, "offset": entity["offset"] + lead}
            before = next((each for each in found if _goes_on(each, start, entity)), None)
            if before is None:
                found.append(moved)
            else:
                before["length"] = moved["offset"] + moved["length"] - before["offset"]
        start += _units(text)
    return found


def _is_placed(entity: object) -> bool:
    return isinstance(entity, dict) and all(isinstance(entity.get(name), int) for name in ("offset", "length"))


def _goes_on(before: Mapping[str, Any], end: int, entity: Mapping[str, Any]) -> bool:
    """Return True if an entity at the beginning of a message continues one at the end of the message before."""
    same = {name: before.get(name) == entity.get(name) for name in ("type", "language", "url")}
    return entity["offset"] == 0 and before["offset"] + before["length"] == end and all(same.values())


def _is_forward(message: Mapping[str, Any]) -> bool:
    return "forward_origin" in message


def _may_be_comment(message: Mapping[str, Any]) -> bool:
    """Return True for a short text that is neither a reply nor a command other than /ask."""
    text = message.get("text")
    if not isinstance(text, str) or _is_forward(message) or "reply_to_message" in message or "quote" in message:
        return False
    return not text.startswith("/") or text.split(maxsplit=1)[0].partition("@")[0] == "/ask"


def _is_bare_file(message: Mapping[str, Any]) -> bool:
    """Return True for a picture or file that its sender sent to the bot alone and without words."""
    chat = message.get("chat")
    if not isinstance(chat, dict) or chat.get("type") != "private" or _is_forward(message):
        return False
    has_words = any(name in message for name in ("caption", "reply_to_message", "quote"))
    return not has_words and any(name in message for name in ("photo", "document")) and "animation" not in message


def _sent_together(one: Mapping[str, Any], two: Mapping[str, Any], seconds: float = 0.0) -> bool:
    first, second = one.get("date"), two.get("date")
    if not isinstance(first, int) or not isinstance(second, int):
        return False
    return abs(first - second) <= SAME_MOMENT_SECONDS + seconds


def _message(update: Update) -> Mapping[str, Any]:
    message = update.get("message")
    return message if isinstance(message, dict) else {}


def _sender(message: Mapping[str, Any]) -> object:
    sender = message.get("from")
    return sender.get("id") if isinstance(sender, dict) else None


def _units(text: object) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(text, str) else 0
