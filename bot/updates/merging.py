"""Messages that a person sent as one and Telegram delivers as several: long pastes and albums."""

from collections.abc import Mapping, Sequence
from typing import Any

JOIN_SECONDS = 0.5
NEAR_UNITS, MOST_UNITS = 3500, 4096  # clients cut a long paste near the limit of a message
MOST_PARTS = 20
ALBUM = "farthing_album"
"""The field of a joined message with the album's other messages."""

Update = Mapping[str, Any]


def may_continue(update: Update) -> bool:
    """Return True if another part of the same paste or album may follow within JOIN_SECONDS."""
    message = _message(update)
    return bool(message.get("media_group_id")) or _units(message.get("text")) >= NEAR_UNITS


def continues(before: Update, after: Update) -> bool:
    """Return True if `after` is the next part of the paste or album of `before`."""
    one, two = _message(before), _message(after)
    if not one or not two or _sender(one) != _sender(two):
        return False
    if one.get("media_group_id"):
        return bool(one["media_group_id"] == two.get("media_group_id"))
    may_follow = _units(one.get("text")) >= NEAR_UNITS and "forward_origin" not in two and "reply_to_message" not in two
    return may_follow and isinstance(two.get("text"), str) and not two["text"].startswith("/")


def joined(updates: Sequence[Update]) -> dict[str, Any]:
    """Join the parts into one update, which keeps the first one's id."""
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
    return first


def _text(messages: Sequence[Mapping[str, Any]]) -> str:
    """Join texts: a text cut at MOST_UNITS was cut within a line, a shorter one at a line break."""
    text = ""
    for before, after in zip([{}, *messages], messages, strict=False):
        cut_in_line = not text or _units(before.get("text")) >= MOST_UNITS
        text += after["text"] if cut_in_line else f"\n{after['text']}"
    return text


def _message(update: Update) -> Mapping[str, Any]:
    message = update.get("message")
    return message if isinstance(message, dict) else {}


def _sender(message: Mapping[str, Any]) -> object:
    sender = message.get("from")
    return sender.get("id") if isinstance(sender, dict) else None


def _units(text: object) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(text, str) else 0
