"""Table of refusals, with Telegram's own texts.

Sources: the Bot API server, and TDLib, whose sentences it passes on with a small first letter. Names in capitals are
Telegram's own (core.telegram.org/api/errors). The texts for the depth and the columns of a rich message are not
documented; only their status, 400, is certain.
"""

from typing import Any


class BotApiError(Exception):
    """An answer with ok = false."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters

    def body(self) -> dict[str, Any]:
        more = {"parameters": self.parameters} if self.parameters else {}
        return {"ok": False, "error_code": self.code, "description": self.description, **more}


_BAD_REQUESTS: dict[str, str] = {
    # chats, messages
    "no_chat": "chat not found",
    "no_user": "user not found",
    "no_thread": "message thread not found",
    "closed_topic": "TOPIC_CLOSED",
    "no_topic": "channel direct messages topic must be specified",
    "no_rights": "not enough rights to send text messages to the chat",
    "no_write": "have no rights to send a message",
    "restricted": "CHAT_RESTRICTED",
    "no_member": "PARTICIPANT_ID_INVALID",
    "not_admin": "BOT_NOT_ADMIN",
    "no_member_here": "USER_NOT_PARTICIPANT",
    "ephemeral_unknown": "message to edit not found",
    "empty": "message text is empty",
    "too_long": "message is too long",
    "edit_too_long": "MESSAGE_TOO_LONG",
    "caption_too_long": "message caption is too long",
    "not_modified": "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message",
    "no_edit": "message to edit not found",
    "not_mine": "message can't be edited",
    "no_text": "there is no text in the message to edit",
    "no_caption": "there is no caption in the message to edit",
    "no_delete": "message to delete not found",
    "cant_delete": "message can't be deleted",
    "no_reply": "message to be replied not found",
    "no_message_id": "message identifier is not specified",
    "action": "wrong parameter action in request",
    # text
    "entity_offset": "receive an entity with incorrect offset {offset}",
    "entity_length": "receive an entity with incorrect length {length}",
    "entity_begins": "entity begins after the end of the text at UTF-16 offset {offset}",
    "entity_ends": "entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}",
    "entity_symbol": "entity begins in a middle of a UTF-16 symbol at byte offset {offset}",
    "entity_type": "can't parse MessageEntity: unsupported type specified",
    "entity_object": "can't parse MessageEntity: expected an Object",
    "entity_url": "entity URL '{url}' is invalid: {why}",
    "not_json": "can't parse {field} JSON object",
    "parse_mode": "unsupported parse_mode",
    "start_tag": 'can\'t parse entities: Unsupported start tag "{tag}" at byte offset {offset}',
    "end_tag": "can't parse entities: Unexpected end tag at byte offset {offset}",
    "unclosed": "can't parse entities: Can't find end tag corresponding to start tag \"{tag}\"",
    # rich messages
    "rich_source": "rich message must be given as html here",
    "rich_content": "RICH_MESSAGE_CONTENT_REQUIRED",
    "rich_text": "RICH_MESSAGE_TEXT_TOO_LONG",
    "rich_blocks": "RICH_MESSAGE_BLOCKS_TOO_MANY",
    "rich_depth": "RICH_MESSAGE_DEPTH_TOO_BIG",
    "rich_columns": "RICH_MESSAGE_TABLE_COLUMNS_TOO_MANY",
    "rich_url": "RICH_MESSAGE_URL_INVALID",
    "text_and_rich": "text and rich message must not be given together",
    # keyboards
    "markup_json": "can't parse reply keyboard markup JSON object",
    "markup": "object expected as reply markup",
    "keyboard_rows": "inline keyboard button row must be an Array",
    "keyboard_size": "REPLY_MARKUP_TOO_LONG",
    "key_object": "can't parse inline keyboard button: InlineKeyboardButton must be an Object",
    "key_text": "can't parse inline keyboard button: Can't find field \"text\"",
    "key_action": "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    "key_data": "BUTTON_DATA_INVALID",
    "key_url": "BUTTON_URL_INVALID",
    "key_copy": "BUTTON_COPY_TEXT_INVALID",
    "key_type": "BUTTON_TYPE_INVALID",
    "key_app_url": "inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed",
    # drafts, queries
    "draft_peer": "TEXTDRAFT_PEER_INVALID",
    "draft_id": "DRAFT_ID_INVALID",
    "old_query": "query is too old and response timeout expired or query ID is invalid",
    "query_url": "URL_INVALID",
    "results_many": "RESULTS_TOO_MUCH",
    "result_type": "RESULT_TYPE_INVALID",
    "result_id": "RESULT_ID_INVALID",
    "result_title": "ARTICLE_TITLE_EMPTY",
    "inline_message": "MESSAGE_ID_INVALID",
    # files
    "no_photo": "there is no photo in the request",
    "no_document": "there is no document in the request",
    "no_media": "media is empty",
    "media_json": "can't parse input media JSON object",
    "media_object": "can't parse InputMedia: expected an Object",
    "media_type": 'can\'t parse InputMedia: type "{type}" is unsupported',
    "media_file": "can't parse InputMedia: media not found",
    "file_id": "invalid file_id",
    "wrong_file": "wrong file identifier/HTTP URL specified",
    "empty_file": "file must be non-empty",
    "big_photo": "file of size {size} bytes is too big for a photo; the maximum size is 10485760 bytes",
    "big_file": "file is too big",
    # Stars
    "currency": "CURRENCY_INVALID",
    "prices": "STARS_INVOICE_INVALID",
    "amount": "CURRENCY_TOTAL_AMOUNT_INVALID",
    "title": "INVOICE_TITLE_INVALID",
    "description": "INVOICE_DESCRIPTION_INVALID",
    "payload": "INVOICE_PAYLOAD_INVALID",
    "pay_first": "REPLY_MARKUP_BUY_EMPTY",
    "period": "SUBSCRIPTION_PERIOD_INVALID",
    "no_charge": "CHARGE_NOT_FOUND",
    "refunded": "CHARGE_ALREADY_REFUNDED",
    # commands
    "commands": "BOT_COMMANDS_TOO_MUCH",
    "command": "BOT_COMMAND_INVALID",
    "command_description": "BOT_COMMAND_DESCRIPTION_INVALID",
    "scope": "can't parse BotCommandScope: unsupported type specified",
    "language": "invalid language code specified",
    "profile_text": "{which}_TOO_LONG",
    "menu_json": "can't parse menu button JSON object",
    "menu_type": "can't parse menu button: MenuButton has unsupported type",
    "menu_field": "can't parse menu button: Can't find field \"{field}\"",
    "menu_text": "menu button text must be non-empty",
    "menu_url": "menu button Web App URL '{url}' is invalid: Only HTTPS links are allowed",
    # webhooks
    "webhook_https": "bad webhook: An HTTPS URL must be provided for webhook",
    "webhook_port": "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
    "webhook_secret": "secret token contains unallowed characters",
    "webhook_secret_long": "secret token is too long",
}
_OTHERS: dict[str, tuple[int, str]] = {
    "unauthorized": (401, "Unauthorized"),
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "kicked": (403, "Forbidden: bot was kicked from the supergroup chat"),
    "not_started": (403, "Forbidden: bot can't initiate conversation with a user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
    "no_member": (403, "Forbidden: bot is not a member of the supergroup chat"),
    "no_method": (404, "Not Found"),
    "webhook_set": (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    ),
    "two_pollers": (
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    ),
    "ended_by_webhook": (409, "Conflict: terminated by setWebhook request"),
    "deleted_at_once": (500, "Internal Server Error: sent message was immediately deleted and can't be returned"),
    "too_large": (413, "Request Entity Too Large"),
}
TABLE = {name: (400, f"Bad Request: {text}") for name, text in _BAD_REQUESTS.items()} | _OTHERS


def refuse(name: str, **values: Any) -> BotApiError:
    """Return a refusal of the table with its values filled in."""
    code, description = TABLE[name]
    return BotApiError(code, description.format(**values) if values else description)


def flood(seconds: int) -> BotApiError:
    return BotApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def missing(field: str) -> BotApiError:
    return BotApiError(
        400, f"Bad Request: {field} is empty" if field == "chat_id" else f"Bad Request: {field} is required"
    )
