"""Every method that the bot calls: parameters in, Telegram's result out, or its refusal raised."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from sandbox.telegram import stars
from sandbox.telegram.refusals import missing, refuse
from sandbox.telegram.text import MOST_CAPTION, checked_text, entities, units
from sandbox.telegram.world import Chat, World

Params = dict[str, Any]
MOST_COMMANDS = 100
QUERY_SECONDS = 150.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart call."""

    name: str
    kind: str
    data: bytes


class Methods:
    """`call(name, params)` is the Bot API."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def call(self, name: str, params: Params) -> Any:
        """Raises Refusal."""
        known = _METHODS.get(name.lower())
        if known is None:
            raise refuse("no_method")
        method: Callable[[Params], Awaitable[Any]] = getattr(self, known)
        self.world.expire_drafts()
        self.world.calls.append((name, params))
        return await method(params)

    async def get_me(self, _: Params) -> Any:
        abilities = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        return {**self.world.bot, **abilities}

    async def get_updates(self, params: Params) -> Any:
        self._allow(params)
        numbers = (int(params.get(name) or 0) for name in ("offset", "limit", "timeout"))
        return await self.world.updates.get(*numbers)

    async def set_webhook(self, params: Params) -> Any:
        url = str(params.get("url", ""))
        if not url:
            return await self.delete_webhook(params)
        if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise refuse("webhook_url")
        self._allow(params)
        secret = str(params.get("secret_token", ""))
        self.world.updates.set_webhook(url, secret, lambda: httpx.AsyncClient(timeout=30, trust_env=False))
        return True

    async def delete_webhook(self, params: Params) -> Any:
        self.world.updates.drop_webhook()
        if _true(params.get("drop_pending_updates")):
            self.world.updates._waiting.clear()  # noqa: SLF001 - the same floor
        return True

    async def webhook_info(self, _: Params) -> Any:
        updates = self.world.updates
        info = {
            "url": updates.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": updates.pending,
        }
        return {**info, "last_error_message": updates.last_error} if updates.last_error else info

    async def send_message(self, params: Params) -> Any:
        text = checked_text(params)
        content = {"text": text, "entities": entities(params, text), "reply_markup": _markup(params)}
        return self._send(params, content)

    async def send_draft(self, params: Params) -> Any:
        chat = self.world.chat_of(params)
        if chat.type != "private":
            raise refuse("draft_peer")
        draft_id = int(params.get("draft_id") or 0)
        if not draft_id:
            raise refuse("draft_id")
        text = str(params.get("text", ""))
        if units(text) > 4096:  # noqa: PLR2004 - Telegram's
            raise refuse("too_long")
        self.world.patience.draft(chat.id)
        content = {
            "text": text,
            "entities": entities(params, text),
            "can_stop": _true(params.get("can_stop")),
        }
        self.world.draft(chat.id, draft_id, content)
        return True

    async def edit_text(self, params: Params) -> Any:
        text = checked_text(params)
        chat = self.world.chat_of(params)
        self.world.patience.visible(chat.id)
        content = {"text": text, "entities": entities(params, text), "reply_markup": _markup(params)}
        return self.world.edit(chat.id, int(params.get("message_id") or 0), content)

    async def edit_markup(self, params: Params) -> Any:
        chat = self.world.chat_of(params)
        self.world.patience.visible(chat.id)
        return self.world.edit(chat.id, int(params.get("message_id") or 0), {"reply_markup": _markup(params)})

    async def delete_message(self, params: Params) -> Any:
        chat = self.world.chat_of(params)
        self.world.patience.visible(chat.id)
        self.world.delete(chat.id, int(params.get("message_id") or 0))
        return True

    async def chat_action(self, params: Params) -> Any:
        chat = self.world.chat_of(params)
        self.world.patience.draft(chat.id)
        self.world.tell("action", chat.id, action=params.get("action"))
        return True

    async def send_photo(self, params: Params) -> Any:
        file_id = self._file(params, "photo")
        size = {"file_id": file_id, "file_unique_id": file_id, "width": 1440, "height": 760}
        return self._send(params, {"photo": [size], **_caption(params), "reply_markup": _markup(params)})

    async def send_document(self, params: Params) -> Any:
        file_id = self._file(params, "document")
        name, kind, data = self.world.files[file_id]
        document = {
            "file_id": file_id,
            "file_unique_id": file_id,
            "file_name": name,
            "mime_type": kind,
            "file_size": len(data),
        }
        return self._send(params, {"document": document, **_caption(params), "reply_markup": _markup(params)})

    async def send_invoice(self, params: Params) -> Any:
        offered = stars.invoice(params, link=False)
        shown = {name: offered[name] for name in ("title", "description", "currency", "total_amount")}
        message = self._send(params, {"invoice": {**shown, "start_parameter": ""}, "reply_markup": _markup(params)})
        self.world.links[f"message {message['chat']['id']} {message['message_id']}"] = offered
        return message

    async def invoice_link(self, params: Params) -> Any:
        offered = stars.invoice(params, link=True)
        name = self.world.name("invoice")
        self.world.links[name] = offered
        return f"https://t.me/${name}"

    async def pre_checkout(self, params: Params) -> Any:
        waiting = self.world.checkouts.get(str(params.get("pre_checkout_query_id")))
        if waiting is None or waiting.done():
            raise refuse("old_query")
        answer = {"ok": _true(params.get("ok")), "error_message": str(params.get("error_message", ""))}
        if not answer["ok"] and not answer["error_message"]:
            raise missing("error_message")
        waiting.set_result(answer)
        return True

    async def refund(self, params: Params) -> Any:
        stars.refund(self.world, int(params.get("user_id") or 0), str(params.get("telegram_payment_charge_id")))
        return True

    async def star_transactions(self, params: Params) -> Any:
        return stars.transactions(self.world, params)

    async def star_balance(self, _: Params) -> Any:
        return {"amount": sum(p["total_amount"] for p in self.world.payments.values() if not p["refunded"])}

    async def edit_subscription(self, params: Params) -> Any:
        return stars.edit_subscription(self.world, params)

    async def answer_callback(self, params: Params) -> Any:
        query = self.world.queries.pop(str(params.get("callback_query_id")), None)
        if query is None or query["at"] + QUERY_SECONDS < self.world.now():
            raise refuse("old_query")
        shown = {
            "text": params.get("text"),
            "show_alert": _true(params.get("show_alert")),
            "user_id": query["user_id"],
        }
        self.world.tell("callback_answer", query["chat_id"], **shown)
        return True

    async def set_commands(self, params: Params) -> Any:
        commands = json.loads(params.get("commands") or "[]")
        if len(commands) > MOST_COMMANDS:
            raise refuse("commands")
        for command in commands:
            if not 1 <= len(command.get("description", "")) <= 256:  # noqa: PLR2004 - Telegram's
                raise refuse("command_description")
            name = command.get("command", "")
            if not name.replace("_", "a").isalnum() or name != name.lower() or len(name) > 32:  # noqa: PLR2004
                raise refuse("command")
        scope = json.loads(params.get("scope") or '{"type": "default"}')
        self.world.commands[f"{scope['type']} {scope.get('chat_id', '')} {params.get('language_code') or ''}"] = (
            commands
        )
        self.world.tell("commands", 0)
        return True

    async def get_file(self, params: Params) -> Any:
        file_id = str(params.get("file_id"))
        if file_id not in self.world.files:
            raise refuse("no_file")
        size = len(self.world.files[file_id][2])
        return {
            "file_id": file_id,
            "file_unique_id": file_id,
            "file_size": size,
            "file_path": f"files/{file_id}",
        }

    def _send(self, params: Params, content: dict[str, Any]) -> Any:
        chat = self.world.chat_of(params)
        self.world.patience.visible(chat.id)
        return self.world.post(chat.id, self.world.bot, content, reply_to=_reply_to(params, chat))

    def _file(self, params: Params, field: str) -> str:
        given = params.get(field)
        if isinstance(given, str) and given.startswith("attach://"):
            given = params.get(given.removeprefix("attach://"))
        if isinstance(given, Upload):
            return self.world.keep_file(given.name, given.kind, given.data)
        if given in self.world.files:
            return str(given)
        raise refuse("no_file")

    def _allow(self, params: Params) -> None:
        raw = params.get("allowed_updates")
        if raw:
            self.world.updates.allowed = json.loads(raw) or None


def _caption(params: Params) -> dict[str, Any]:
    caption = str(params.get("caption") or "")
    if units(caption) > MOST_CAPTION:
        raise refuse("caption_too_long")
    return {"caption": caption, "caption_entities": entities(params, caption, "caption_entities")}


def _markup(params: Params) -> Any:
    """Buttons with exactly one action and at most 64 bytes of data."""
    raw = params.get("reply_markup")
    if not raw:
        return None
    markup = json.loads(raw) if isinstance(raw, str) else raw
    if not isinstance(markup, dict):
        raise refuse("markup")
    for button in (button for row in markup.get("inline_keyboard", []) for button in row):
        actions = [name for name in ("url", "callback_data", "web_app", "pay", "copy_text") if button.get(name)]
        if len(actions) != 1 or not button.get("text"):
            raise refuse("button")
        if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:  # noqa: PLR2004
            raise refuse("button_data")
    return markup


def _reply_to(params: Params, chat: Chat) -> int | None:
    raw = params.get("reply_parameters")
    wanted = json.loads(raw) if raw else {"message_id": params.get("reply_to_message_id")}
    number = int(wanted.get("message_id") or 0)
    if not number:
        return None
    lenient = wanted.get("allow_sending_without_reply") or _true(params.get("allow_sending_without_reply"))
    if number not in chat.messages and not lenient:
        raise refuse("no_reply")
    return number


def _true(value: Any) -> bool:
    return str(value).lower() in {"true", "1"}


_METHODS = {
    "getme": "get_me",
    "getupdates": "get_updates",
    "setwebhook": "set_webhook",
    "deletewebhook": "delete_webhook",
    "getwebhookinfo": "webhook_info",
    "sendmessage": "send_message",
    "sendmessagedraft": "send_draft",
    "editmessagetext": "edit_text",
    "editmessagereplymarkup": "edit_markup",
    "deletemessage": "delete_message",
    "sendchataction": "chat_action",
    "sendphoto": "send_photo",
    "senddocument": "send_document",
    "sendinvoice": "send_invoice",
    "createinvoicelink": "invoice_link",
    "answerprecheckoutquery": "pre_checkout",
    "refundstarpayment": "refund",
    "getstartransactions": "star_transactions",
    "getmystarbalance": "star_balance",
    "edituserstarsubscription": "edit_subscription",
    "answercallbackquery": "answer_callback",
    "setmycommands": "set_commands",
    "getfile": "get_file",
}
