"""Who calls: checked from the headers, before a byte of the body is read."""

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.ids import time_ordered
from engine.ports import Clock
from engine.tenancy import Plan, Tenant
from storage.database.database import Database
from storage.tenants import api_keys
from web.errors import BROKEN, INVALID_KEY, OPERATORS_ONLY, HttpProblem
from web.miniapp.access import Guest, MiniAppAccess, is_guarded

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 20 * 1024 * 1024
TOUCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request speaks for: a tenant by an API key, or the operator by the admin key."""

    tenant: Tenant | None = None
    key_id: int | None = None

    @property
    def is_admin(self) -> bool:
        return self.tenant is None


class Keyring:
    """Knows a caller by the Bearer secret. The checksum is looked at before the database."""

    def __init__(self, db: Database, plans: Mapping[str, Plan], clock: Clock, admin_key: str = "") -> None:
        self._db, self._plans, self._clock = db, plans, clock
        self._admin_key = admin_key.encode()
        self._touched: dict[int, float] = {}

    @property
    def has_admin(self) -> bool:
        """Without an admin key there is nothing to guard: its routes don't exist."""
        return bool(self._admin_key)

    def is_admin(self, secret: str) -> bool:
        return bool(self._admin_key) and hmac.compare_digest(secret.encode(), self._admin_key)

    async def tenant(self, secret: str) -> Caller:
        """Raises HttpProblem 401 for anything that isn't a live key."""
        if not api_keys.looks_right(secret):
            raise INVALID_KEY.new()
        found = await self._db.read(lambda conn: api_keys.authenticate(conn, api_keys.digest(secret), self._plans))
        if found is None:
            raise INVALID_KEY.new()
        tenant, key_id = found
        await self._touch(key_id)
        return Caller(tenant, key_id)

    async def anyone(self, secret: str) -> Caller:
        return Caller() if self.is_admin(secret) else await self.tenant(secret)

    async def _touch(self, key_id: int) -> None:
        """Last use, to the minute: a write per request would say no more."""
        now = self._clock.monotonic()
        if now - self._touched.get(key_id, -TOUCH_SECONDS) >= TOUCH_SECONDS:
            self._touched[key_id] = now
            moment = self._clock.now()
            await self._db.write(lambda conn: api_keys.touch(conn, key_id, moment))


class Guard:
    """ASGI middleware: bounds the body, and asks for the key, or Telegram's word, that a path wants."""

    def __init__(self, app: ASGIApp, keyring: Keyring, door: MiniAppAccess | None = None) -> None:
        self._app, self._keyring, self._door = app, keyring, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if _is_api(scope["path"]):
            send = _numbered(send)
        try:
            caller = await self._caller(scope["path"], _bearer(headers))
            guest = await self._guest(scope["path"], headers)
            _refuse_large(headers)
        except HttpProblem as problem:
            await problem.response()(scope, receive, send)
            return
        except Exception:
            log.exception("a caller could not be looked up")
            await BROKEN.response()(scope, receive, send)
            return
        scope.setdefault("state", {}).update(caller=caller, guest=guest)
        await self._app(scope, _bounded(receive), send)

    async def _guest(self, path: str, headers: Mapping[bytes, bytes]) -> Guest | None:
        if self._door is None or not is_guarded(path):
            return None
        return await self._door.guest(headers.get(b"authorization", b"").decode("latin-1"))

    async def _caller(self, path: str, secret: str) -> Caller | None:
        if _is_api(path):
            return await self._keyring.tenant(secret)
        if path == "/providers":
            return await self._keyring.anyone(secret)
        if self._keyring.has_admin and (path == "/metrics" or path.startswith("/admin")):
            if not self._keyring.is_admin(secret):
                raise OPERATORS_ONLY.new()
            return Caller()
        return None


def _is_api(path: str) -> bool:
    return path.startswith("/v1/") or path == "/v1"


def _numbered(send: Send) -> Send:
    """Every answer of the API has an id, also those that no prompt stands behind."""

    async def numbering(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers.setdefault("x-request-id", f"req-{time_ordered(datetime.now(UTC))}")
        await send(message)

    return numbering


def _bearer(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _refuse_large(headers: Mapping[bytes, bytes]) -> None:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise HttpProblem(400, "content-length is not a number.")
    if int(length) > MOST_BODY_BYTES:
        raise _too_large()


def _bounded(receive: Receive) -> Receive:
    """A body of unknown length is counted as it comes."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST_BODY_BYTES:
            raise _too_large()
        return message

    return counting


def _too_large() -> HttpProblem:
    return HttpProblem(413, "The body is over 20 MiB.", code="request_too_large")
