"""Handle: the function that receives each update after its conversion for PTB's handlers."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from telegram import Update
from telegram.ext import ExtBot

from bot.services import Span

log = logging.getLogger(__name__)
Handle = Callable[[dict[str, Any]], Awaitable[None]]
_KINDS = frozenset({"message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member"})


def handler_of(bot: ExtBot[int], process: Callable[[Update], Awaitable[None]]) -> Handle:
    """Return a function that converts an update and passes it to `process`."""

    async def handle(payload: dict[str, Any]) -> None:
        update = read(payload, bot)
        if update is not None:
            await process(update)

    return handle


def handler_in_span(handle: Handle, span: Span) -> Handle:
    """Return `handle` within a tracing span for each update's kind; unknown kinds share one name."""

    async def handle_in_span(payload: dict[str, Any]) -> None:
        with span(next((kind for kind in payload if kind in _KINDS), "update")):
            await handle(payload)

    return handle_in_span


def read(payload: Mapping[str, Any], bot: ExtBot[int]) -> Update | None:
    """Convert an update for the handlers. Return None if no handler could use it; the log then names only the flaw."""
    number = payload.get("update_id")
    try:
        update = Update.de_json(dict(payload), bot)
    except Exception as error:  # noqa: BLE001 - PTB does not check fields: a malformed one raises any error here
        log.warning("update %s is malformed and was ignored: %s", number, type(error).__name__)
        return None
    if update is None or (flaw := _flaw(update)) is None:
        return update
    log.warning("update %s is malformed and was ignored: %s", number, flaw)
    return None


def _flaw(update: Update) -> str | None:
    """Return the first field that handlers rely on and that is missing or wrong, if any."""
    message = update.message or update.edited_message
    from_user = message or update.callback_query or update.pre_checkout_query
    if from_user is not None and update.effective_user is None:
        return "it has no sender"
    if message is not None and update.effective_chat is None:
        return "it has no chat"
    if message is not None and not all(isinstance(text or "", str) for text in (message.text, message.caption)):
        return "its text is no string"
    return None
