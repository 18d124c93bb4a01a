"""RequestMiddleware: checks on the head of a request, reading of its body, and headers of every response."""

import logging
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import EngineError, TenantBanned, TooManyRequests
from engine.gateway.admission import Admission
from engine.tenancy import Tenant
from web.auth import Authenticator, Caller, new_request_id
from web.errors import ErrorShape, HttpProblem, error_response, shape_of, unknown_path
from web.miniapp.access import MiniAppAccess, MiniAppUser, needs_user
from web.requests.body import WHOLE_BODY, BodyReader, ClientLeft, declared_length
from web.requests.cors import Cors, Headers
from web.requests.paths import Paths
from web.requests.unexpected import unexpected

log = logging.getLogger(__name__)
_OPENAI_ONLY = frozenset({"/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/embeddings"})

_ONCE = {b"authorization": "Authorization", b"x-api-key": "x-api-key", b"idempotency-key": "Idempotency-Key"}


@dataclass(slots=True)
class RequestHead:
    """The head of a request. `is_unread`: its body is still to come; `body`: the body after it was read.

    `repeated`: a header that may come only once and came twice.
    """

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    is_api: bool
    request_id: str
    is_unread: bool
    body: bytes = b""
    tenant: Tenant | None = None
    repeated: str | None = None

    @classmethod
    def of(cls, scope: Scope) -> "RequestHead":
        headers, path = dict(scope["headers"]), scope["path"].rstrip("/") or "/"
        is_api = path.startswith("/v1/") or path == "/v1"
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        request_id = new_request_id(datetime.now(UTC)) if is_api else ""
        repeated = _repeated(scope["headers"]) if len(headers) < len(scope["headers"]) else None
        return cls(scope["method"], path, headers, is_api, request_id, has_body, repeated=repeated)

    @property
    def shape(self) -> ErrorShape:
        return shape_of(self.path, self.headers)

    @property
    def content_type(self) -> str:
        return self.headers.get(b"content-type", b"application/json").decode("latin-1")

    @property
    def is_plain_json(self) -> bool:
        """Return True if the content type is exactly that of JSON."""
        return self.headers.get(b"content-type") == b"application/json"


@dataclass(slots=True)
class RequestLimits:
    """The requests per minute of tenants and keys, including requests whose bodies are being read."""

    admission: Admission
    _reading: defaultdict[Hashable, int] = field(default_factory=lambda: defaultdict(int))

    def begin(self, tenant: Tenant) -> None:
        """Count a request whose body is being read. Raises TenantBanned, or TooManyRequests if it can't be admitted."""
        if tenant.banned:
            raise TenantBanned(tenant.id)
        self.admission.check_rate(tenant)
        left = self.admission.left(tenant)
        if self._reading[tenant.id] >= left.remaining:
            raise TooManyRequests(left.limit, 1, key_limited=left.key_limited)
        self._reading[tenant.id] += 1

    def has_room(self, tenant: Tenant) -> bool:
        """Return True if a request without a body to read could be admitted."""
        try:
            self.admission.check_rate(tenant)
        except TooManyRequests:
            return False
        return not tenant.banned

    def end(self, tenant: Tenant) -> None:
        self._reading[tenant.id] -= 1
        if not self._reading[tenant.id]:
            del self._reading[tenant.id]

    def headers(self, tenant: Tenant) -> Headers:
        """Return the x-ratelimit headers, for the plan's limit or the key's, whichever has fewer requests left."""
        left = self.admission.left(tenant)
        return [
            (b"x-ratelimit-limit-requests", b"%d" % left.limit),
            (b"x-ratelimit-remaining-requests", b"%d" % left.remaining),
            (b"x-ratelimit-reset-requests", f"{round(left.reset_seconds, 3):g}s".encode()),
        ]


class RequestMiddleware:
    """ASGI middleware in front of every route.

    The path, the key and the requests per minute are checked from the head alone; then the complete body is read,
    within its limits. If a request is refused before its body was read, its connection is closed. `prompts`: the apps
    of the paths with the most traffic, called with POST: they find the body in the head.
    """

    def __init__(
        self,
        app: ASGIApp,
        prompts: Mapping[str, ASGIApp],
        paths: Paths,
        authenticator: Authenticator,
        limits: RequestLimits,
        bodies: BodyReader,
        cors: Cors,
        mini_app: MiniAppAccess | None = None,
    ) -> None:
        self._app, self._prompts, self._paths, self._authenticator = app, prompts, paths, authenticator
        self._limits, self._bodies, self._cors, self._mini_app = limits, bodies, cors, mini_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = RequestHead.of(scope)
        send = self._with_headers(head, send)
        prompts = self._prompts.get(head.path) if head.method == "POST" else None
        if prompts is not None and self._admit_at_once(head, scope):
            await prompts(scope, _replayed(head.body, receive), send)
        else:
            await self._admit(head, scope, receive, send)

    def _admit_at_once(self, head: RequestHead, scope: Scope) -> bool:
        """Admit a request that arrived whole and whose key is known; return False if more has to be checked."""
        body = scope.get("extensions", {}).get(WHOLE_BODY)
        if body is None or head.repeated or b"content-encoding" in head.headers:
            return False
        caller = self._authenticator.known(head.headers)
        if caller is None or caller.tenant is None or not self._limits.has_room(caller.tenant):
            return False
        head.tenant, head.body, head.is_unread = caller.tenant, body, False
        scope.setdefault("state", {}).update(caller=caller, mini_app_user=None, head=head)
        return True

    async def _admit(self, head: RequestHead, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request and read its body, then call its app."""
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
        except Exception as error:  # noqa: BLE001 - logged there
            problem = unexpected(error, head.request_id)
            await error_response(problem, head.shape, head.request_id)(scope, receive, send)
        else:
            app = self._prompts.get(head.path, self._app) if head.method == "POST" else self._app
            method = "GET" if head.method == "HEAD" else head.method  # the server leaves out the body
            await app({**scope, "path": head.path, "method": method}, receive, send)

    async def _admitted(self, head: RequestHead, scope: Scope, receive: Receive) -> Receive:
        """Return the `receive` callable for the app. Raises HttpProblem, EngineError or ClientLeft."""
        declared_length(head.headers)
        if head.repeated:
            message = f"The {head.repeated} header comes twice. Send one."
            raise HttpProblem(400, message, param=head.repeated, code="repeated_header")
        caller = await self._caller(head)
        user = await self._user(head) if self._mini_app is not None and needs_user(head.path) else None
        if user is not None and not user.is_operator and self._paths.is_for_operators(head.path):
            raise unknown_path(head.method, head.path)
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
        head.body, head.is_unread = body, False
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

    async def _user(self, head: RequestHead) -> MiniAppUser:
        assert self._mini_app is not None
        return await self._mini_app.user(head.headers.get(b"authorization", b"").decode("latin-1"), head.path)

    def _with_headers(self, head: RequestHead, send: Send) -> Send:
        """Return a `send` that adds the headers of every response to its start. Further messages pass unchanged."""

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
        if head.path not in _OPENAI_ONLY and head.shape is ErrorShape.ANTHROPIC:
            headers.append((b"request-id", dict(headers)[b"x-request-id"]))
        if head.tenant is not None:
            headers += self._limits.headers(head.tenant)
        return headers + self._cors.headers(head.headers) if b"origin" in head.headers else headers


def _repeated(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the name of a header that comes twice although it decides who pays, or whether an answer is a repeat.

    A proxy in front, or the client, may have meant the other one.
    """
    names = [name for name, _ in headers]
    return next((shown for name, shown in _ONCE.items() if names.count(name) > 1), None)


def _owner(caller: Caller | None, user: MiniAppUser | None) -> Hashable:
    """Return the owner of a body's memory: the tenant's id, or None for the operator."""
    if user is not None:
        return user.state.id
    return caller.tenant.id if caller is not None and caller.tenant is not None else None


def _watched(head: RequestHead, receive: Receive) -> Receive:
    """Return a `receive` that notes the end of a body which a route reads itself."""

    async def receive_watched() -> Message:
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            head.is_unread = False
        return message

    return receive_watched


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first delivers the whole body."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return first.pop() if first else await receive()

    return receive_replayed
