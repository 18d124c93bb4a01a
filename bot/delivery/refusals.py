"""Telegram's refusals of a message, recognized by their texts: the reason decides how the answer is sent instead.

The texts are those of the Bot API server, and names of https://core.telegram.org/method/messages.sendMessage, which it
passes on.
"""

from enum import Enum

from telegram.error import BadRequest, Forbidden, TelegramError


class RefusedFor(Enum):
    """The reason of a refusal: thread gone or closed; replied message gone; buttons; no messages accepted; content."""

    THREAD = "thread"
    REPLY = "reply"
    KEYBOARD = "keyboard"
    CHAT = "chat"
    CONTENT = "content"


_TEXTS = {
    RefusedFor.THREAD: (
        "thread not found",
        "topic_deleted",
        "topic_closed",
        "topic_id_invalid",
        "topic not found",
        "channel_forum_missing",
    ),
    RefusedFor.REPLY: (
        "replied not found",
        "reply not found",
        "replied message not found",
        "reply message not found",
        "reply_message_id_invalid",
        "reply_to_",
        "reply_messages_too_much",
        "message_id_invalid",
        "msg_id_invalid",
        "quote_text_invalid",
    ),
    RefusedFor.KEYBOARD: ("button_", "reply_markup_", "keyboard", "reply markup"),
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
        "user_is_bot",
        "you_blocked_user",
        "chat_id_invalid",
        "chat_forbidden",
        "channel_invalid",
        "channel_monoforum_unsupported",
        "direct messages topic must be specified",
        "allow_payment_required",
        "balance_too_low",
        "privacy_premium_required",
        "premium_account_required",
    ),
}
_DELETED = "immediately deleted"
"""In the error for a message that was sent, and that the chat deleted before the server could return it."""


def reason_of(error: TelegramError) -> RefusedFor | None:
    """Return why Telegram permanently refuses the message; None for a failure that may be temporary."""
    if isinstance(error, Forbidden) or was_deleted(error):
        return RefusedFor.CHAT
    if not isinstance(error, BadRequest):
        return None
    text = str(error).lower()
    return next((reason for reason, texts in _TEXTS.items() if any(each in text for each in texts)), RefusedFor.CONTENT)


def was_deleted(error: TelegramError) -> bool:
    """Return True if the message was sent and then deleted at once, by the user or by a bot that guards the group."""
    return _DELETED in str(error)
