"""Table of the methods that the bot calls, by Telegram's names in any case."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram import commands, messages, stars
from sandbox.telegram.groups import ephemeral
from sandbox.telegram.members import membership
from sandbox.telegram.outside import inline
from sandbox.telegram.params import Params, decoded, is_true, number, required
from sandbox.telegram.refusals import refuse
from sandbox.telegram.webhook import Webhook
from sandbox.telegram.world import World

QUERY_SECONDS = 150.0
MOST_TOAST = 200
MOST_SECRET = 256
MOST_CONNECTIONS, USUAL_CONNECTIONS = 100, 40
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
FULL_INFO: Params = {
    "accent_color_id": 0,
    "max_reaction_count": 11,
    "accepted_gift_types": dict.fromkeys(_GIFTS, True),
}
_PORTS = (443, 80, 88, 8443)
_LOOPBACK = ("127.0.0.1", "localhost")
_SECRET = re.compile(r"^[A-Za-z0-9_-]*$")


async def call(world: World, name: str, params: Params) -> Any:
    """Call the method of this name. Raises BotApiError."""
    method = METHODS.get(name.lower())
    if method is None:
        raise refuse("no_method")
    world.expire_drafts()
    world.calls.append((name, params))
    return await method(world, params)


async def get_me(world: World, _: Params) -> Any:
    return {
        **world.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "has_main_web_app": False,
    }


async def get_updates(world: World, params: Params) -> Any:
    _allow(world, params)
    return await world.updates.get(*(number(params, name) for name in ("offset", "limit", "timeout")))


async def set_webhook(world: World, params: Params) -> Any:
    """Check a webhook's URL: https on Telegram's ports; on this machine also http and any port."""
    url = str(params.get("url") or "")
    if not url:
        return await delete_webhook(world, params)
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise refuse("webhook_https")
    if parts.port not in (None, *_PORTS) and parts.hostname not in _LOOPBACK:
        raise refuse("webhook_port")
    secret = str(params.get("secret_token") or "")
    if len(secret) > MOST_SECRET:
        raise refuse("webhook_secret_long")
    if not _SECRET.match(secret):
        raise refuse("webhook_secret")
    _allow(world, params)
    if is_true(params.get("drop_pending_updates")):
        world.updates.clear()
    most = number(params, "max_connections")
    world.updates.set_webhook(Webhook(url, secret, most if 1 <= most <= MOST_CONNECTIONS else USUAL_CONNECTIONS))
    return True


async def delete_webhook(world: World, params: Params) -> Any:
    world.updates.drop_webhook()
    if is_true(params.get("drop_pending_updates")):
        world.updates.clear()
    return True


async def get_webhook_info(world: World, _: Params) -> Any:
    webhook = world.updates.webhook
    info: dict[str, Any] = {
        "url": webhook.url if webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": world.updates.pending,
    }
    if webhook is not None:
        info |= {"max_connections": webhook.max_connections, "ip_address": "127.0.0.1"}
        if webhook.last_error:
            info |= {"last_error_date": webhook.last_error_at, "last_error_message": webhook.last_error}
    return {**info, "allowed_updates": world.updates.allowed} if world.updates.allowed else info


async def answer_callback_query(world: World, params: Params) -> Any:
    text, url = str(params.get("text") or ""), str(params.get("url") or "")
    if len(text) > MOST_TOAST:
        raise refuse("edit_too_long")
    if url and not url.startswith(f"https://t.me/{world.bot['username']}?start="):
        raise refuse("query_url")
    query = world.queries.pop(str(params.get("callback_query_id")), None)
    if query is None or query["at"] + QUERY_SECONDS < world.now():
        raise refuse("old_query")
    shown = {"text": text, "show_alert": is_true(params.get("show_alert")), "user_id": query["user_id"]}
    world.publish("callback_answer", query["chat_id"], url=params.get("url"), **shown)
    return True


async def get_chat(world: World, params: Params) -> Any:
    """Return a chat with the fields that Telegram always sends."""
    required(params, "chat_id")
    return {**world.shown(world.chat_of(params, reach=False)), **FULL_INFO}


async def get_chat_member(world: World, params: Params) -> Any:
    """Return a member. For users known from elsewhere, Telegram answers with status "left"."""
    required(params, "chat_id")
    required(params, "user_id")
    chat, user_id = world.chat_of(params, reach=False), number(params, "user_id")
    user = world.bot if user_id == world.bot["id"] else world.users.get(user_id)
    if user is None:
        raise refuse("no_member")
    status = "creator" if user_id in chat.admins[:1] else "administrator" if user_id in chat.admins else "member"
    is_inside = user is world.bot or user_id in {*chat.members, *chat.admins}
    return membership(user, status if is_inside else "left")


def _allow(world: World, params: Params) -> None:
    """Set the kinds of updates to send. Absent: unchanged. An empty list: all usual kinds."""
    if params.get("allowed_updates"):
        world.updates.allowed = decoded(params, "allowed_updates", list) or None


METHODS: dict[str, Callable[[World, Params], Awaitable[Any]]] = {
    name.lower(): method
    for name, method in {
        "getMe": get_me,
        "getUpdates": get_updates,
        "setWebhook": set_webhook,
        "deleteWebhook": delete_webhook,
        "getWebhookInfo": get_webhook_info,
        "getChat": get_chat,
        "getChatMember": get_chat_member,
        "sendMessage": messages.send_message,
        "sendRichMessage": messages.send_rich_message,
        "sendMessageDraft": messages.send_message_draft,
        "editMessageText": messages.edit_message_text,
        "editMessageCaption": messages.edit_message_caption,
        "editMessageMedia": messages.edit_message_media,
        "editMessageReplyMarkup": messages.edit_message_reply_markup,
        "deleteMessage": messages.delete_message,
        "deleteEphemeralMessage": ephemeral.delete_ephemeral_message,
        "editEphemeralMessageText": ephemeral.edit_ephemeral_message_text,
        "sendChatAction": messages.send_chat_action,
        "sendPhoto": messages.send_photo,
        "sendDocument": messages.send_document,
        "getFile": messages.get_file,
        "answerCallbackQuery": answer_callback_query,
        "answerInlineQuery": inline.answer_inline_query,
        "answerGuestQuery": inline.answer_guest_query,
        "setMyCommands": commands.set_my_commands,
        "getMyCommands": commands.get_my_commands,
        "deleteMyCommands": commands.delete_my_commands,
        "setMyDescription": commands.set_my_description,
        "getMyDescription": commands.get_my_description,
        "setMyShortDescription": commands.set_my_short_description,
        "getMyShortDescription": commands.get_my_short_description,
        "setChatMenuButton": commands.set_chat_menu_button,
        "getChatMenuButton": commands.get_chat_menu_button,
        "sendInvoice": stars.send_invoice,
        "createInvoiceLink": stars.create_invoice_link,
        "answerPreCheckoutQuery": stars.answer_pre_checkout_query,
        "refundStarPayment": stars.refund_star_payment,
        "getStarTransactions": stars.get_star_transactions,
        "getMyStarBalance": stars.get_my_star_balance,
        "editUserStarSubscription": stars.edit_user_star_subscription,
    }.items()
}
