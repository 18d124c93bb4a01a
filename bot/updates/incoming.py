"""Updates in their stored form: id, chat, lane and cleaned payload.

A flawed update must not block the ones after it.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from bot.formatting.characters import clean
from storage.telegram.inbox import CHAT, NOW, IncomingUpdate

log = logging.getLogger(__name__)
_FIRST_INVALID_ID = 2**63
_PAYMENT_FIELDS = ("successful_payment", "refunded_payment")


def number_of(update: object) -> int | None:
    """Return the update's id, or None if this is no update."""
    number = update.get("update_id") if isinstance(update, Mapping) else None
    return number if isinstance(number, int) and 0 <= number < _FIRST_INVALID_ID else None


def incoming_of(update: Mapping[str, Any]) -> IncomingUpdate | None:
    """Return the update in its stored form; None if it can't be stored, so that it does not block the ones after it."""
    number = number_of(update)
    if number is None:
        log.warning("an update without a valid id was ignored")
        return None
    payload = _json(update)
    if not payload.isascii() or "\\u0000" in payload:
        payload = _json(_cleaned(update))
    message = update.get("message") or update.get("edited_message")
    chat = message.get("chat") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(chat, dict):
        return IncomingUpdate(number, "", NOW, payload)
    thread = message.get("message_thread_id", 0) if message.get("is_topic_message") else 0
    return IncomingUpdate(number, f"{chat.get('id', 0)}:{thread}", _lane(message), payload)


def _json(update: object) -> str:
    return json.dumps(update, ensure_ascii=False, separators=(",", ":"))


def _cleaned(value: Any) -> Any:
    """Return the JSON value without characters that a database refuses."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: _cleaned(each) for name, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list) else value


def _lane(message: Mapping[str, Any]) -> str:
    if any(field in message for field in _PAYMENT_FIELDS):
        return NOW
    first = str(message.get("text", "")).split(maxsplit=1)[:1]
    return NOW if first and first[0].partition("@")[0] == "/stop" else CHAT
