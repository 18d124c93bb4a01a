"""Telegram's refusals of a message, recognized by their texts: the reason decides how the answer is sent instead."""

from enum import Enum

from telegram.error import BadRequest, Forbidden, TelegramError


class RefusedFor(Enum):
    """The reason of a refusal: thread gone or closed; replied message gone; chat accepts no messages; content."""

    THREAD = "thread"
    REPLY = "reply"
    CHAT = "chat"
    CONTENT = "content"


_TEXTS = {
    RefusedFor.THREAD: ("thread not found", "topic_deleted", "topic_closed", "topic_id_invalid", "topic not found"),
    RefusedFor.REPLY: ("replied not found", "reply not found", "reply_message_id_invalid", "message_id_invalid"),
    RefusedFor.CHAT: (
        "chat not found",
        "not enough rights",
        "have no rights",
        "need administrator rights",
        "chat_write_forbidden",
        "chat_restricted",
        "chat_admin_required",
        "chat_send_",
        "chat_guest_send_forbidden",
        "channel_private",
        "group chat was ",
        "peer_id_invalid",
        "user_is_blocked",
        "user_is_deactivated",
        "input_user_deactivated",
        "user_banned_in_channel",
    ),
}


def reason_of(error: TelegramError) -> RefusedFor | None:
    """Return why Telegram permanently refuses the message; None for a failure that may be temporary."""
    if isinstance(error, Forbidden):
        return RefusedFor.CHAT
    if not isinstance(error, BadRequest):
        return None
    text = str(error).lower()
    return next((reason for reason, texts in _TEXTS.items() if any(each in text for each in texts)), RefusedFor.CONTENT)
