"""Authentication by the request's headers, before any of the body is read, and limits on the body's size."""

import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.ports import Clock
from engine.tenancy import Plan, Tenant
from storage.database.database import Database
from storage.tenants import api_keys
from web.errors import EXPIRED_KEY, INVALID_KEY, OPERATORS_ONLY, SERVER_ERROR, HttpProblem
from web.miniapp.access import MiniAppAccess, MiniAppUser, needs_user

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 20 * 1024 * 1024
RECORD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Caller:
    """The author of a request: a tenant with an API key, or the operator with the admin key.

    The limits of the API key are `tenant.key`: the gateway admits a request by them.
    """

    tenant: Tenant | None = None

    @property
    def key_id(self) -> int | None:
        return self.tenant.key.key_id if self.tenant is not None and self.tenant.key is not None else None

    @property
    def is_admin(self) -> bool:
        return self.tenant is None


class Authenticator:
    """Finds the caller of a Bearer secret. A key with a wrong checksum is refused without a database read."""

    def __init__(self, db: Database, plans: Mapping[str, Plan], clock: Clock, admin_key: str = "") -> None:
        self._db, self._plans, self._clock = db, plans, clock
        self._admin_key = admin_key.encode()
        self._recorded: dict[int, float] = {}

    @property
    def has_admin(self) -> bool:
        """Return False where no admin key is set: then the operator's routes do not exist."""
        return bool(self._admin_key)

    def is_admin(self, secret: str) -> bool:
        return bool(self._admin_key) and hmac.compare_digest(secret.encode(), self._admin_key)

    async def tenant(self, secret: str) -> Caller:
        """Return the tenant of a live API key. Raises HttpProblem 401 for an expired key and for anything else."""
        if not api_keys.is_well_formed(secret):
            raise INVALID_KEY.new()
        tenant = await self._db.read(lambda conn: api_keys.authenticate(conn, api_keys.digest(secret), self._plans))
        if tenant is None or tenant.key is None:
            raise INVALID_KEY.new()
        if tenant.key.is_expired(self._clock.now()):
            raise EXPIRED_KEY.new()
        await self._record_use(tenant.key.key_id)
        return Caller(tenant)

    async def tenant_or_operator(self, secret: str) -> Caller:
        return Caller() if self.is_admin(secret) else await self.tenant(secret)

    async def _record_use(self, key_id: int) -> None:
        """Store the time of use, at most once a minute for each key."""
        now = self._clock.monotonic()
        if now - self._recorded.get(key_id, -RECORD_SECONDS) >= RECORD_SECONDS:
            self._recorded[key_id] = now
            moment = self._clock.now()
            await self._db.write(lambda conn: api_keys.touch(conn, key_id, moment))


class AuthMiddleware:
    """ASGI middleware: limits the body, and requires the API key, admin key or initData that the path needs."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, mini_app: MiniAppAccess | None = None) -> None:
        self._app, self._authenticator, self._mini_app = app, authenticator, mini_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = dict(scope["headers"]), scope["path"]
        if _is_api(path):
            send = _with_request_id(send)
        try:
            caller = await self._caller(path, _bearer(headers))
            user = await self._mini_app_user(path, headers) if path.startswith("/app/") else None
            _check_length(headers)
        except HttpProblem as problem:
            await problem.response()(scope, receive, send)
            return
        except Exception:
            log.exception("the caller of a request could not be looked up")
            await SERVER_ERROR.response()(scope, receive, send)
            return
        scope.setdefault("state", {}).update(caller=caller, mini_app_user=user)
        await self._app(scope, _limited(receive), send)

    async def _caller(self, path: str, secret: str) -> Caller | None:
        if _is_api(path):
            return await self._authenticator.tenant(secret)
        if path == "/providers":
            return await self._authenticator.tenant_or_operator(secret)
        if self._authenticator.has_admin and (path == "/metrics" or path.startswith("/admin")):
            if not self._authenticator.is_admin(secret):
                raise OPERATORS_ONLY.new()
            return Caller()
        return None

    async def _mini_app_user(self, path: str, headers: Mapping[bytes, bytes]) -> MiniAppUser | None:
        if self._mini_app is None or not needs_user(path):
            return None
        return await self._mini_app.user(headers.get(b"authorization", b"").decode("latin-1"))


def new_request_id(now: datetime) -> str:
    """Return `req-` and 32 hex digits: 12 of milliseconds since 1970, 20 random ones.

    In the order of creation, so that new ids are added at the end of a database index.
    """
    return f"req-{round(now.timestamp() * 1000):012x}{secrets.token_hex(10)}"


def _is_api(path: str) -> bool:
    return path.startswith("/v1/") or path == "/v1"


def _with_request_id(send: Send) -> Send:
    """Add x-request-id to a response that has none, such as an error or a list of models."""

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            if "x-request-id" not in headers:
                headers["x-request-id"] = new_request_id(datetime.now(UTC))
        await send(message)

    return send_with_id


def _bearer(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _check_length(headers: Mapping[bytes, bytes]) -> None:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise HttpProblem(400, "The Content-Length header is not a number.")
    if int(length) > MOST_BODY_BYTES:
        raise _too_large()


def _limited(receive: Receive) -> Receive:
    """Count the bytes of a body as they come, since its length may be unknown. Raises HttpProblem 413."""
    received = 0

    async def receive_counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            raise _too_large()
        return message

    return receive_counted


def _too_large() -> HttpProblem:
    return HttpProblem(413, "The body is over 20 MiB. Send a smaller request.", code="request_too_large")
