"""What people send as one and Telegram delivers as several: long pastes, cut near 4,096 units, and albums."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

JOIN_SECONDS = 0.5
NEAR_UNITS, MOST_UNITS = 3500, 4096
MOST_PARTS = 20
ALBUM = "farthing_album"
"""The field of a joined message that holds the album's other messages."""

Update = Mapping[str, Any]


def waits(update: Update) -> bool:
    """True when more of the same may follow within JOIN_SECONDS."""
    message = _message(update)
    return bool(message.get("media_group_id")) or _units(message.get("text")) >= NEAR_UNITS


def belongs(before: Update, after: Update) -> bool:
    """True when `after` goes on with what `before` began."""
    one, two = _message(before), _message(after)
    if not one or not two or _sender(one) != _sender(two):
        return False
    if one.get("media_group_id"):
        return bool(one["media_group_id"] == two.get("media_group_id"))
    begun = _units(one.get("text")) >= NEAR_UNITS and "forward_origin" not in two and "reply_to_message" not in two
    return begun and isinstance(two.get("text"), str) and not two["text"].startswith("/")


def joined(updates: Sequence[Update]) -> str:
    """One update of them all, as JSON: under the first one's number."""
    first = dict(updates[0])
    message = dict(_message(first))
    rest = [_message(update) for update in updates[1:]]
    if message.get("media_group_id"):
        captions = [each for each in (message, *rest) if each.get("caption")]
        message |= {
            name: captions[0][name] for name in ("caption", "caption_entities") if captions and name in captions[0]
        }
        message[ALBUM] = rest
    elif rest:
        message["text"] = _text([message, *rest])
    first["message"] = message
    return json.dumps(first, ensure_ascii=False, separators=(",", ":"))


def _text(messages: Sequence[Mapping[str, Any]]) -> str:
    """Cut at the limit itself, a word was cut; cut before it, a line was."""
    text = ""
    for before, after in zip([{}, *messages], messages, strict=False):
        cut_a_word = not text or _units(before.get("text")) >= MOST_UNITS
        text += after["text"] if cut_a_word else f"\n{after['text']}"
    return text


def _message(update: Update) -> Mapping[str, Any]:
    message = update.get("message")
    return message if isinstance(message, dict) else {}


def _sender(message: Mapping[str, Any]) -> object:
    sender = message.get("from")
    return sender.get("id") if isinstance(sender, dict) else None


def _units(text: object) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(text, str) else 0
