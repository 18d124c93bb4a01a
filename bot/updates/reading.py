"""What Telegram sent, read: an Update that handlers can rely on, or a line in the log."""

import logging
from collections.abc import Mapping
from typing import Any

from telegram import Update
from telegram.ext import ExtBot

log = logging.getLogger(__name__)


def read(payload: Mapping[str, Any], bot: ExtBot[int]) -> Update | None:
    """None where no handler could use it. The log gets the flaw, never the words."""
    number = payload.get("update_id")
    try:
        update = Update.de_json(dict(payload), bot)
    except Exception as error:  # noqa: BLE001 - PTB reads without checking: whatever is amiss comes out here
        log.warning("update %s is malformed, and left: %s", number, type(error).__name__)
        return None
    if update is None or (flaw := _flaw(update)) is None:
        return update
    log.warning("update %s is malformed, and left: %s", number, flaw)
    return None


def _flaw(update: Update) -> str | None:
    """What handlers take for granted, and is missing."""
    message = update.message
    asked = message or update.callback_query or update.pre_checkout_query
    if asked is not None and update.effective_user is None:
        return "nobody sent it"
    if message is not None and update.effective_chat is None:
        return "it is of no chat"
    if message is not None and not all(isinstance(words or "", str) for words in (message.text, message.caption)):
        return "its text is no text"
    return None
