"""One table of refusals, with Telegram's own texts. Sources: the Bot API server, core.telegram.org/bots/api."""

from typing import Any


class Refusal(Exception):
    """An answer with ok = false."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters

    def body(self) -> dict[str, Any]:
        more = {"parameters": self.parameters} if self.parameters else {}
        return {"ok": False, "error_code": self.code, "description": self.description, **more}


_TABLE: dict[str, tuple[int, str]] = {
    "unauthorized": (401, "Unauthorized"),
    "no_method": (404, "Not Found"),
    "no_chat": (400, "Bad Request: chat not found"),
    "no_user": (400, "Bad Request: user not found"),
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "empty": (400, "Bad Request: message text is empty"),
    "too_long": (400, "Bad Request: message is too long"),
    "caption_too_long": (400, "Bad Request: message caption is too long"),
    "not_modified": (
        400,
        (
            "Bad Request: message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        ),
    ),
    "no_edit": (400, "Bad Request: message to edit not found"),
    "not_mine": (400, "Bad Request: message can't be edited"),
    "no_delete": (400, "Bad Request: message to delete not found"),
    "no_reply": (400, "Bad Request: message to be replied not found"),
    "entities": (400, "Bad Request: can't parse entities: entity is out of bounds of the text"),
    "entities_json": (400, "Bad Request: can't parse entities: not a JSON array"),
    "parse_mode": (400, "Bad Request: unsupported parse_mode"),
    "button_data": (400, "Bad Request: BUTTON_DATA_INVALID"),
    "button": (400, "Bad Request: inline keyboard button must have exactly one action"),
    "markup": (400, "Bad Request: object expected as reply markup"),
    "draft_peer": (400, "Bad Request: TEXTDRAFT_PEER_INVALID"),
    "draft_id": (400, "Bad Request: DRAFT_ID_INVALID"),
    "old_query": (
        400,
        "Bad Request: query is too old and response timeout expired or query ID is invalid",
    ),
    "prices": (400, "Bad Request: STARS_INVOICE_INVALID"),
    "currency": (400, "Bad Request: CURRENCY_INVALID"),
    "title": (400, "Bad Request: INVOICE_TITLE_INVALID"),
    "invoice_description": (400, "Bad Request: INVOICE_DESCRIPTION_INVALID"),
    "payload": (400, "Bad Request: INVOICE_PAYLOAD_INVALID"),
    "period": (400, "Bad Request: SUBSCRIPTION_PERIOD_INVALID"),
    "no_charge": (400, "Bad Request: CHARGE_NOT_FOUND"),
    "refunded": (400, "Bad Request: CHARGE_ALREADY_REFUNDED"),
    "commands": (400, "Bad Request: BOT_COMMANDS_TOO_MUCH"),
    "command": (400, "Bad Request: BOT_COMMAND_INVALID"),
    "command_description": (400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"),
    "no_file": (400, "Bad Request: invalid file_id"),
    "webhook_url": (400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"),
    "webhook_set": (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    ),
    "two_pollers": (
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    ),
    "no_text": (400, "Bad Request: there is no text in the message to edit"),
}


def refuse(name: str) -> Refusal:
    """One of the table."""
    code, description = _TABLE[name]
    return Refusal(code, description)


def flood(seconds: int) -> Refusal:
    return Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def missing(field: str) -> Refusal:
    return Refusal(400, f"Bad Request: {field} is required")
