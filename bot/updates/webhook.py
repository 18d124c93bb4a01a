"""POST /telegram: a call without the secret is refused before its body is read; 200 follows the commit."""

import hashlib
import hmac
import json
import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.updates.intake import Intake

log = logging.getLogger(__name__)
PATH = "/telegram"
MOST_BYTES = 1_000_000


def secret_of(token: str) -> str:
    """Derive the secret from the bot token: every replica computes the same one, and none is stored."""
    return hmac.new(token.encode(), b"telegram webhook", hashlib.sha256).hexdigest()


def route(intake: Intake, secret: str) -> Route:
    """Return the route that stores the updates which Telegram posts."""

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


async def _bounded_body(request: Request) -> bytes | None:
    """Read the body. Return None, without reading on, as soon as it is longer than MOST_BYTES."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)
