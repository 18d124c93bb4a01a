"""OpenTelemetry traces: a span for each request and each attempt, sent to OTEL_EXPORTER_OTLP_ENDPOINT.

The names are those of the GenAI and HTTP conventions. A span contains no prompts, keys, tenant ids, addresses or texts
of providers. The libraries are imported only if the endpoint is set.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.attempt_record import ANSWERED, HEDGED, STOPPED, AttemptRecord
from main.settings import Settings, comma_separated

SERVICE = "farthing"
SHUTDOWN_SECONDS = 3.0
UNTRACED = frozenset({"/health", "/ready", "/metrics"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ROUTES = frozenset(
    {
        "/v1/chat/completions",
        "/v1/responses",
        "/v1/responses/input_tokens",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/embeddings",
        "/v1/completions",
        "/v1/models",
        "/v1/usage",
        "/v1/exclusions",
        "/telegram",
        "/providers",
        "/app",
        "/openapi.json",
    }
)
_PROVIDERS = {"gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
_NO_FAILURE = frozenset({ANSWERED, STOPPED, HEDGED, "abandoned", "unread", "nothing_heard"})
_SERVER_ERROR = 500


def open_tracing(settings: Settings) -> "Tracing | None":
    """Return the traces; None if no endpoint is set."""
    endpoint = settings.env.otel_exporter_otlp_endpoint
    if not endpoint:
        return None
    given = comma_separated(settings.env.otel_exporter_otlp_headers.get_secret_value())
    headers = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in given)}
    return Tracing(endpoint, headers)


class Tracing:
    """The tracer, an observer of attempts, and a wrapper for the HTTP app.

    Spans are sent in batches by a thread. If the collector is down they are dropped; no request waits for it.
    """

    def __init__(self, endpoint: str, headers: dict[str, str] | None = None) -> None:
        from urllib.parse import unquote  # noqa: PLC0415 - with the others below

        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            headers={name: unquote(value) for name, value in (headers or {}).items()},
        )
        self._provider: Any = TracerProvider(
            resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer: Any = self._provider.get_tracer(SERVICE)
        self._kinds: Any = SpanKind
        self._failed: Any = Status(StatusCode.ERROR)
        self._propagator: Any = TraceContextTextMapPropagator()

    # --- attempts -------------------------------------------------------------------------------------

    def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str) -> None:
        """Record the span of an attempt, as a part of the request in whose task it ran."""
        provider = _PROVIDERS.get(attempt.provider, attempt.provider)
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": provider,
            "gen_ai.system": provider,
            "gen_ai.request.model": attempt.model,
            "farthing.outcome": attempt.outcome,
        }
        if attempt.usage is not None:
            attributes["gen_ai.usage.input_tokens"] = attempt.usage.input_tokens
            attributes["gen_ai.usage.output_tokens"] = attempt.usage.output_tokens
            attributes["gen_ai.response.model"] = attempt.served or attempt.model
        if finishes:
            attributes["gen_ai.response.finish_reasons"] = finishes
        if attempt.first_token_ms is not None:
            attributes["farthing.first_token_ms"] = attempt.first_token_ms
        if attempt.status is not None:
            attributes["http.response.status_code"] = attempt.status
        has_failed = attempt.outcome not in _NO_FAILURE
        if has_failed:
            attributes["error.type"] = attempt.outcome
        span = self._tracer.start_span(
            f"{operation} {attempt.model}",
            kind=self._kinds.CLIENT,
            attributes=attributes,
            start_time=_nanoseconds(attempt, timedelta()),
        )
        if has_failed:
            span.set_status(self._failed)
        span.end(_nanoseconds(attempt, timedelta(milliseconds=attempt.duration_ms)))

    # --- requests -------------------------------------------------------------------------------------

    def update(self, kind: str) -> AbstractContextManager[Any]:
        """Return the span of an update from Telegram; `kind` is the name of its content, such as `message`."""
        return self._span(f"telegram {kind}", self._kinds.CONSUMER, {"messaging.system": "telegram"})

    def asgi(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with a span around each HTTP request. The trace of the caller's `traceparent` is continued."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] in UNTRACED:
                await app(scope, receive, send)
                return
            method, route = _method(scope["method"]), route_of(scope["path"])
            attributes = {"http.request.method": method, "http.route": route}
            with self._span(f"{method} {route}", self._kinds.SERVER, attributes, self._caller(scope)) as span:
                await app(scope, receive, self._with_status(send, span))

        return traced

    @contextmanager
    def _span(self, name: str, kind: Any, attributes: dict[str, str], parent: Any = None) -> Iterator[Any]:
        """Yield a span that is current. An error is recorded only by its class, because its text may quote a tenant."""
        with self._tracer.start_as_current_span(
            name, parent, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._failed)
                raise

    def _caller(self, scope: Scope) -> Any:
        """Return the context of the caller's span, from `traceparent` and `tracestate`."""
        wanted = (b"traceparent", b"tracestate")
        carrier = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in wanted}
        return self._propagator.extract(carrier) if carrier else None

    def _with_status(self, send: Send, span: Any) -> Send:
        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                span.set_attribute("http.response.status_code", status)
                for name, value in message.get("headers", ()):
                    if name == b"x-request-id":
                        span.set_attribute("farthing.request_id", value.decode("latin-1"))
                if status >= _SERVER_ERROR:
                    span.set_attribute("error.type", str(status))
                    span.set_status(self._failed)
            await send(message)

        return send_noted

    async def aclose(self, seconds: float = SHUTDOWN_SECONDS) -> None:
        """Send the remaining spans, for up to `seconds`: a collector that is down does not delay the stop longer."""
        closing = threading.Thread(target=self._provider.shutdown, name="farthing-traces", daemon=True)
        closing.start()
        ends_at = asyncio.get_running_loop().time() + seconds
        while closing.is_alive() and asyncio.get_running_loop().time() < ends_at:  # noqa: ASYNC110 - a thread has no event
            await asyncio.sleep(0.01)


def route_of(path: str) -> str:
    """Return a label with few values for the path: only its first part, if it contains an id or a name."""
    path = path.rstrip("/") or "/"
    if path in _ROUTES or path == "/":
        return path
    first = path.split("/", 2)[1]
    return f"/{first}/*" if first in {"v1", "admin", "app"} else "/*"


def _method(method: str) -> str:
    return method if method in _METHODS else "_OTHER"


def _nanoseconds(attempt: AttemptRecord, later: timedelta) -> int:
    return round((attempt.started_at + later).timestamp() * 1_000_000) * 1000
