"""The webhook: registration and POST /telegram. A call without the secret is refused unread; 200 follows the commit."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from telegram.error import RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import seconds_of
from bot.updates.intake import Intake
from bot.updates.polling import ALLOWED

log = logging.getLogger(__name__)
PATH = "/telegram"
MOST_BYTES = 1_000_000
MOST_CONNECTIONS = 40
MOST_REPEATS = 5


def secret_of(token: str) -> str:
    """Derive the secret from the bot token, so that every replica computes the same one and none is stored."""
    return hmac.new(token.encode(), b"telegram webhook", hashlib.sha256).hexdigest()


def route(intake: Intake, secret: str) -> Route:
    """Return the route that stores the updates posted by Telegram."""

    async def receive(request: Request) -> Response:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return JSONResponse({"ok": False, "description": "Forbidden"}, 403)
        body = await _bounded_body(request)
        if body is None:
            return JSONResponse({"ok": False, "description": "Too large"}, 413, {"connection": "close"})
        try:
            update = json.loads(body)
            number = int(update["update_id"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return JSONResponse({"ok": False, "description": "Bad Request: not an update"}, 400)
        log.debug("update %d by webhook", number)
        await intake.store([update])
        return JSONResponse({"ok": True})

    return Route(PATH, receive, methods=["POST"])


async def register(bot: ExtBot[int], public_url: str, secret: str) -> None:
    """Set the webhook. Any replica may do so at any time: equal address and secret change nothing. Raises OSError."""
    await _log_state(bot)
    url = url_of(public_url)
    try:
        await repeated(lambda: _set(bot, url, secret))
    except TelegramError as error:
        raise OSError(f"Telegram does not take the webhook {url}: {error}") from error


def url_of(public_url: str) -> str:
    return f"{public_url.rstrip('/')}{PATH}"


async def _set(bot: ExtBot[int], url: str, secret: str) -> None:
    await bot.set_webhook(url, secret_token=secret, allowed_updates=list(ALLOWED), max_connections=MOST_CONNECTIONS)


async def repeated(call: Callable[[], Awaitable[object]]) -> None:
    """Make a call that other replicas may make at the same moment; repeat it if Telegram requires a wait."""
    for _ in range(MOST_REPEATS):
        try:
            await call()
        except RetryAfter as error:
            await asyncio.sleep(seconds_of(error))
        else:
            return
    await call()


async def _log_state(bot: ExtBot[int]) -> None:
    """Log Telegram's last error of the webhook, which is recorded only there."""
    try:
        info = await bot.get_webhook_info()
    except TelegramError as error:
        log.info("getWebhookInfo failed: %s", error)
        return
    if info.last_error_message or info.pending_update_count:
        log.warning(
            "webhook: %d updates wait; Telegram's last error: %s",
            info.pending_update_count,
            info.last_error_message or "none",
        )


async def _bounded_body(request: Request) -> bytes | None:
    """Read the body. Return None, without reading further, as soon as it is longer than MOST_BYTES."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)
