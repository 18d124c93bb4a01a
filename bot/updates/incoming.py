"""Updates in their stored form, and their conversion to PTB's objects.

A flawed update must not block the ones after it.
"""

import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from telegram import Update
from telegram.ext import ExtBot, filters

from bot.formatting.characters import clean
from bot.services import Span, no_span
from storage.schedules import scheduled_runs
from storage.telegram.inbox import CHAT, NOW, ClaimedUpdate, IncomingUpdate, WaitingUpdate

log = logging.getLogger(__name__)
Handle = Callable[[dict[str, Any]], Awaitable[None]]
_FIRST_INVALID_ID = 2**63
_PAYMENT_FIELDS = ("successful_payment", "refunded_payment")
_MESSAGE_PATHS = ("message", "edited_message", "callback_query")
_CORE = frozenset(
    {"message_id", "date", "chat", "from", "message_thread_id", "is_topic_message", "sender_chat", "text"}
    | {"successful_payment", "refunded_payment", "reply_markup"}
)
"""The fields without which a message can't be handled, its text, its buttons, and payments, which may not be lost."""
_SERVICE = re.compile(
    r"(forum_topic|general_forum_topic|suggested_post_[adpr]|checklist_tasks|video_chat|giveaway_(created|completed)"
    r"|proximity_alert|chat_(background|shared|owner)|users_shared|boost_added|write_access|web_app_data|pinned_message"
    r"|message_auto_delete|gift|unique_gift|(direct|paid)_message_price|(new|left)_chat_|delete_chat_photo|\w+_created$"
    r"|\w+_shared$|connected_website|passport_data|managed_bot)"
)
"""Names of the fields of service messages: such a message is left out if it can't be converted."""
_POLL = {"allows_revoting": False, "members_only": False}
_KINDS = frozenset({"message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member"})


class _Runs(filters.UpdateFilter):
    def filter(self, update: Update) -> bool:
        return scheduled_runs.FIELD in update.api_kwargs


RUNS = _Runs()
"""Accepts the updates that are runs of scheduled prompts: this program stores them itself."""


def number_of(update: object) -> int | None:
    """Return the update's id, or None if this is not an update."""
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


def alone(fresh: Sequence[IncomingUpdate], claimed: Sequence[ClaimedUpdate]) -> set[str]:
    """Return the chats of the claimed updates that no other update of their chat preceded or came with."""
    chats = Counter(update.chat_key for update in fresh if update.lane == CHAT)
    ids = {update.update_id for update in fresh}
    return {each.chat_key for each in claimed if chats[each.chat_key] == 1 and each.update_id in ids}


def chats_of(updates: Sequence[IncomingUpdate | WaitingUpdate]) -> dict[str, None]:
    """Return the chats of these updates, each once, in order."""
    return {update.chat_key: None for update in updates if update.lane == CHAT}


def _lane(message: Mapping[str, Any]) -> str:
    if any(field in message for field in _PAYMENT_FIELDS):
        return NOW
    first = str(message.get("text", "")).split(maxsplit=1)[:1]
    return NOW if first and first[0].partition("@")[0].lower() == "/stop" else CHAT


log = logging.getLogger(__name__)


def handler_of(bot: ExtBot[int], process: Callable[[Update], Awaitable[None]]) -> Handle:
    """Return a function that converts an update and passes it to `process`."""

    async def handle(payload: dict[str, Any]) -> None:
        update = read(payload, bot)
        if update is not None:
            await process(update)

    return handle


def handler_in_span(handle: Handle, span: Span) -> Handle:
    """Return `handle` within a tracing span for each update's kind; unknown kinds share one name."""
    if span is no_span:
        return handle

    async def handle_in_span(payload: dict[str, Any]) -> None:
        with span(next((kind for kind in payload if kind in _KINDS), "update")):
            await handle(payload)

    return handle_in_span


def read(payload: Mapping[str, Any], bot: ExtBot[int]) -> Update | None:
    """Convert an update for the handlers. Return None if no handler could use it; the log then names only the flaw."""
    number = payload.get("update_id")
    update, error = _converted(payload, bot)
    if error:
        update, error = _converted(_completed(payload), bot)
    if error:
        update = _reduced(payload, bot)
        log.warning("update %s is malformed and was %s: %s", number, "read in part" if update else "ignored", error)
    if update is None or (flaw := _flaw(update)) is None:
        return update
    log.warning("update %s is malformed and was ignored: %s", number, flaw)
    return None


def _converted(payload: Mapping[str, Any], bot: ExtBot[int]) -> tuple[Update | None, str]:
    """Return the update, and the kind of the error that its conversion raised."""
    try:
        return Update.de_json(dict(payload), bot), ""
    except Exception as error:  # noqa: BLE001 - PTB does not check fields: a malformed one raises any error here
        return None, type(error).__name__


def _completed(value: Any) -> Any:
    """Return the JSON value with the fields of polls that PTB requires, and that older Bot API servers don't send."""
    if isinstance(value, list):
        return [_completed(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _completed(each) for name, each in value.items()}
    if isinstance(poll := found.get("poll"), dict):
        options = [each for each in poll.get("options") or () if isinstance(each, dict)]
        numbered = [{"persistent_id": str(number), **each} for number, each in enumerate(options)]
        found["poll"] = {**_POLL, **poll, "options": numbered}
    return found


def _reduced(payload: Mapping[str, Any], bot: ExtBot[int]) -> Update | None:
    """Return an update without the fields of its message that can't be converted; None if that does not suffice.

    Later versions of the Bot API change nested objects: their sender still gets an answer, and buttons still work.
    """
    kind = next((each for each in _MESSAGE_PATHS if isinstance(payload.get(each), dict)), None)
    if kind is None:
        return None
    whole = payload[kind]
    message = whole.get("message") if kind == "callback_query" else whole
    if not isinstance(message, dict):
        return None

    def without(gone: Collection[str]) -> Update | None:
        kept = {name: value for name, value in message.items() if name not in gone}
        return _converted({**payload, kind: {**whole, "message": kept} if kind == "callback_query" else kept}, bot)[0]

    if kind == "message" and _is_service(message):
        return None
    others = [name for name in message if name not in _CORE]
    return next(filter(None, map(without, [*([name] for name in others), others])), None)


def _is_service(message: Mapping[str, Any]) -> bool:
    """Return True for a message about an event, which has no words of a person."""
    return "text" not in message and "caption" not in message and any(map(_SERVICE.match, message))


def _flaw(update: Update) -> str | None:
    """Return the first field that handlers rely on and that is missing or wrong, if any."""
    message = update.message or update.edited_message
    from_user = message or update.callback_query or update.pre_checkout_query
    if from_user is not None and update.effective_user is None:
        return "it has no sender"
    if message is not None and update.effective_chat is None:
        return "it has no chat"
    if message is not None and not all(isinstance(text or "", str) for text in (message.text, message.caption)):
        return "its text is not a string"
    return None
