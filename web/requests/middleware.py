"""RequestMiddleware: all that the head of a request decides, its body, and the headers that every response gets."""

import logging
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import EngineError, TenantBanned, TooManyRequests
from engine.gateway.admission import Admission
from engine.tenancy import Tenant
from web.auth import Authenticator, Caller, new_request_id
from web.errors import SERVER_ERROR, ErrorShape, HttpProblem, error_response, shape_of
from web.miniapp.access import MiniAppAccess, MiniAppUser, needs_user
from web.requests.body import BodyReader, ClientLeft, declared_length
from web.requests.cors import Cors, Headers
from web.requests.paths import Paths

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RequestHead:
    """The head of a request. `is_unread`: a body of it is still to come."""

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    is_api: bool
    shape: ErrorShape
    request_id: str
    is_unread: bool
    tenant: Tenant | None = None

    @classmethod
    def of(cls, scope: Scope) -> "RequestHead":
        headers, path = dict(scope["headers"]), scope["path"].rstrip("/") or "/"
        is_api = path.startswith("/v1/") or path == "/v1"
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        request_id = new_request_id(datetime.now(UTC)) if is_api else ""
        return cls(scope["method"], path, headers, is_api, shape_of(path, headers), request_id, has_body)


@dataclass(slots=True)
class RequestLimits:
    """The requests per minute of tenants and keys, with those whose bodies are still being read."""

    admission: Admission
    _reading: defaultdict[Hashable, int] = field(default_factory=lambda: defaultdict(int))

    def begin(self, tenant: Tenant) -> None:
        """Begin to read a request. Raises TenantBanned, or TooManyRequests where it could not be admitted."""
        if tenant.banned:
            raise TenantBanned(tenant.id)
        self.admission.check_rate(tenant)
        left = self.admission.left(tenant)
        if self._reading[tenant.id] >= left.remaining:
            raise TooManyRequests(left.limit, 1, key_limited=left.key_limited)
        self._reading[tenant.id] += 1

    def end(self, tenant: Tenant) -> None:
        self._reading[tenant.id] -= 1
        if not self._reading[tenant.id]:
            del self._reading[tenant.id]

    def headers(self, tenant: Tenant) -> Headers:
        """Return the x-ratelimit headers: the least that is left of the plan's limit and the key's."""
        left = self.admission.left(tenant)
        return [
            (b"x-ratelimit-limit-requests", b"%d" % left.limit),
            (b"x-ratelimit-remaining-requests", b"%d" % left.remaining),
            (b"x-ratelimit-reset-requests", f"{round(left.reset_seconds, 3):g}s".encode()),
        ]


class RequestMiddleware:
    """ASGI middleware in front of every route.

    The path, the key and its requests per minute are checked from the head; then the body is read whole, within its
    limits. A request that is refused before its body was read has its connection closed.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: Paths,
        authenticator: Authenticator,
        limits: RequestLimits,
        bodies: BodyReader,
        cors: Cors,
        mini_app: MiniAppAccess | None = None,
    ) -> None:
        self._app, self._paths, self._authenticator = app, paths, authenticator
        self._limits, self._bodies, self._cors, self._mini_app = limits, bodies, cors, mini_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = RequestHead.of(scope)
        send = self._with_headers(head, send)
        if head.is_api and self._cors.is_preflight(head.method, head.headers):
            response = Response(status_code=204)
            response.raw_headers.extend(self._cors.preflight(head.headers))
            await response(scope, receive, send)
            return
        try:
            receive = await self._admitted(head, scope, receive)
        except ClientLeft:
            return
        except (HttpProblem, EngineError) as error:
            await error_response(error, head.shape, head.request_id)(scope, receive, send)
        except Exception:
            log.exception("request %s could not be admitted", head.request_id)
            await error_response(SERVER_ERROR, head.shape, head.request_id)(scope, receive, send)
        else:
            method = "GET" if head.method == "HEAD" else head.method  # the server leaves out the body
            await self._app({**scope, "path": head.path, "method": method}, receive, send)

    async def _admitted(self, head: RequestHead, scope: Scope, receive: Receive) -> Receive:
        """Return the `receive` of the app. Raises HttpProblem, EngineError or ClientLeft."""
        declared_length(head.headers)
        caller = await self._caller(head)
        user = await self._user(head)
        self._paths.check(head.method, head.path)
        scope.setdefault("state", {}).update(caller=caller, mini_app_user=user, head=head)
        if not head.is_unread:
            return receive
        if caller is None and user is None:
            return _watched(head, receive)
        return await self._read(head, _owner(caller, user), receive)

    async def _read(self, head: RequestHead, owner: Hashable, receive: Receive) -> Receive:
        tenant = head.tenant
        if tenant is not None:
            self._limits.begin(tenant)
        try:
            body = await self._bodies.read(head.headers, receive, owner)
        finally:
            if tenant is not None:
                self._limits.end(tenant)
        head.is_unread = False
        return _replayed(body, receive)

    async def _caller(self, head: RequestHead) -> Caller | None:
        if head.is_api:
            caller = await self._authenticator.tenant(head.headers)
            head.tenant = caller.tenant
            return caller
        if head.path == "/providers":
            return await self._authenticator.tenant_or_operator(head.headers, head.path)
        if self._authenticator.has_admin and (head.path == "/metrics" or head.path.startswith("/admin")):
            return self._authenticator.operator(head.headers, head.path)
        return None

    async def _user(self, head: RequestHead) -> MiniAppUser | None:
        if self._mini_app is None or not needs_user(head.path):
            return None
        return await self._mini_app.user(head.headers.get(b"authorization", b"").decode("latin-1"), head.path)

    def _with_headers(self, head: RequestHead, send: Send) -> Send:
        """Return `send` with the headers that every response gets added to its start. It adds no step for a frame."""

        def send_with_headers(message: Message) -> object:
            if message["type"] == "http.response.start":
                message["headers"] = self._headers(head, list(message.get("headers", ())))
            return send(message)

        return send_with_headers  # type: ignore[return-value]

    def _headers(self, head: RequestHead, headers: Headers) -> Headers:
        names = {name for name, _ in headers}
        if head.is_unread and b"connection" not in names:
            headers.append((b"connection", b"close"))
        if not head.is_api:
            return headers
        if b"x-request-id" not in names:
            headers.append((b"x-request-id", head.request_id.encode()))
        if head.shape is ErrorShape.ANTHROPIC:
            headers.append((b"request-id", dict(headers)[b"x-request-id"]))
        if head.tenant is not None:
            headers += self._limits.headers(head.tenant)
        return headers + self._cors.headers(head.headers)


def _owner(caller: Caller | None, user: MiniAppUser | None) -> Hashable:
    """Return the owner of a body's memory: a tenant, or the operator as None."""
    if user is not None:
        return user.state.id
    return caller.tenant.id if caller is not None and caller.tenant is not None else None


def _watched(head: RequestHead, receive: Receive) -> Receive:
    """Return `receive` that notes the end of a body which a route reads itself."""

    async def receive_watched() -> Message:
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            head.is_unread = False
        return message

    return receive_watched


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return `receive` that gives the whole body first."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return first.pop() if first else await receive()

    return receive_replayed
