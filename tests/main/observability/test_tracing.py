"""Traces: spans of requests and attempts, as a collector receives them."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from main.container import open_container
from main.front_ends import bot_services, web_services
from main.http.server import http_server
from main.observability.tracing import open_tracing, route_of
from main.settings import read
from sandbox.app import Sandbox
from tests.databases import migrated_database
from tests.served import served
from web.app import build_app

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).parents[3]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PROMPT = "a prompt that no trace may show"
CONFIG = """
[models.auto]
offers = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite"]
usd_per_mtok = "5.00"
[prices."deepseek/deepseek-v4-flash"]
input = "0.01"
output = "0.02"
"""


@dataclass(slots=True)
class Collector:
    """A server for OTLP over HTTP; `bodies` are the requests."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans() if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.headers.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            made.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def attributes(span: Any) -> dict[str, Any]:
    found = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


@asynccontextmanager
async def traced_api(tmp_path: Path, sandbox: Sandbox, endpoint: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the HTTP app with traces; yield a client with an API key. On exit the remaining spans are sent."""
    (tmp_path / "farthing.toml").write_text(CONFIG)
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    variables = {
        "ADMIN_API_KEY": "admin-key-of-these-trace-tests",
        "DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db",
        "FARTHING_CONFIG": str(tmp_path / "farthing.toml"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20otlp-key",
    }
    for name in ("deepseek", "gemini"):
        variables |= {f"{name.upper()}_BASE_URL": sandbox.provider_urls[name], f"{name.upper()}_API_KEY": f"k-{name}"}
    async with open_container(read(variables, tmp_path / "no.env")) as container:
        assert container.tracing is not None
        app = container.tracing.asgi(build_app(web_services(container)))
        async with (
            served(http_server(app, "127.0.0.1", 0)) as url,
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http,
        ):
            http.headers["authorization"] = "Bearer admin-key-of-these-trace-tests"
            tenant = (await http.post("/admin/tenants", json={"name": "a-secret-name"})).json()["id"]
            key = (await http.post(f"/admin/tenants/{tenant}/keys", json={"name": "k"})).json()["key"]
            http.headers["authorization"] = f"Bearer {key}"
            yield http
            await container.gateway.close(5)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0.001) as running:
        yield running


async def test_request_and_its_attempts_are_one_trace_of_the_caller(
    tmp_path: Path, sandbox: Sandbox, collector: Collector
) -> None:
    sandbox.stand_ins.set_mode("deepseek", "down")
    async with traced_api(tmp_path, sandbox, collector.url) as http:
        answer = await http.post(
            "/v1/chat/completions",
            json={"model": "auto", "messages": [{"role": "user", "content": PROMPT}]},
            headers={"traceparent": f"00-{TRACE}-{PARENT}-01"},
        )
        assert answer.status_code == 200
    [request] = collector.named("POST /v1/chat/completions")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(request)["http.response.status_code"] == 200
    assert attributes(request)["farthing.request_id"] == answer.headers["x-request-id"]
    failed, *_ = collector.named("chat deepseek-v4-flash")
    [kept] = collector.named("chat gemini-2.5-flash-lite")
    for span in (failed, kept):
        assert (span.trace_id, span.parent_span_id) == (request.trace_id, request.span_id)
        assert request.start_time_unix_nano <= span.end_time_unix_nano
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    found, usage = attributes(kept), answer.json()["usage"]
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.system": "gcp.gemini",
        "gen_ai.request.model": "gemini-2.5-flash-lite",
        "gen_ai.response.model": "gemini-2.5-flash-lite",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": usage["prompt_tokens"],
        "gen_ai.usage.output_tokens": usage["completion_tokens"],
        "farthing.outcome": "answered",
        "farthing.first_token_ms": found["farthing.first_token_ms"],
    }
    assert kept.status.code == 0
    refused = attributes(failed)
    assert (refused["error.type"], refused["http.response.status_code"]) == ("overloaded", 503)
    assert (refused["gen_ai.provider.name"], failed.status.code) == ("deepseek", 2)


async def test_no_span_has_a_prompt_key_answer_or_tenant(
    tmp_path: Path, sandbox: Sandbox, collector: Collector
) -> None:
    async with traced_api(tmp_path, sandbox, collector.url) as http:
        key = http.headers["authorization"].removeprefix("Bearer ")
        await http.post(
            "/v1/chat/completions", json={"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}
        )
        await http.get("/v1/models/a-secret-name")
        await http.request("PROPFIND", "/v1/models?q=a-secret-name", headers={"tracestate": "x=a-secret-name"})
        await http.get("/health")
    sent = b"".join(collector.bodies)
    for secret in (PROMPT, key, "k-deepseek", "a-secret-name", "PROPFIND", "127.0.0.1", "/health"):
        assert secret.encode() not in sent, secret
    assert {span.name for span in collector.spans()} >= {"GET /v1/*", "_OTHER /v1/models"}
    assert {each["path"] for each in collector.headers} == {"/v1/traces"}
    assert {each["authorization"] for each in collector.headers} == {"Bearer otlp-key"}


async def test_collector_that_is_down_delays_neither_requests_nor_the_stop(tmp_path: Path, sandbox: Sandbox) -> None:
    loop = asyncio.get_running_loop()
    async with traced_api(tmp_path, sandbox, "http://127.0.0.1:9") as http:
        begun = loop.time()
        for _ in range(5):
            asked = {"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}
            assert (await http.post("/v1/chat/completions", json=asked)).status_code == 200
        assert loop.time() - begun < 40  # one export is tried for 10 seconds
        begun = loop.time()
    goes_on = any(thread.name == "farthing-traces" for thread in threading.enumerate())
    assert goes_on or loop.time() - begun < 10


async def test_error_of_a_handler_is_named_by_its_class_only(
    tmp_path: Path, sandbox: Sandbox, collector: Collector
) -> None:
    """The text of an error may quote a tenant."""
    async with traced_api(tmp_path, sandbox, collector.url):
        pass
    collector.bodies.clear()
    tracing = open_tracing(read({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}, tmp_path / "no.env"))
    assert tracing is not None
    with pytest.raises(ValueError, match=PROMPT), tracing.update("message"):
        raise ValueError(PROMPT)
    await tracing.aclose()
    [span] = collector.named("telegram message")
    assert attributes(span)["error.type"] == "ValueError"
    assert span.status.code == 2
    assert PROMPT.encode() not in b"".join(collector.bodies)


async def test_updates_have_spans_only_with_an_endpoint(tmp_path: Path, collector: Collector) -> None:
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db", "TELEGRAM_BOT_TOKEN": "1:a"}
    async with open_container(read(variables, tmp_path / "no.env")) as container:
        assert container.tracing is None
        with bot_services(container).span("message") as span:
            assert span is None
    variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
    async with open_container(read(variables, tmp_path / "no.env")) as container:
        with bot_services(container).span("message"):
            """An update without an answer."""
    assert len(collector.named("telegram message")) == 1


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("/v1/models/my-model", "/v1/*"),
        ("/admin/tenants/7", "/admin/*"),
        ("/app/data", "/app/*"),
        ("/", "/"),
        ("//secret", "/*"),
        ("/secret", "/*"),
    ],
)
def test_route_is_a_label_of_few_values(path: str, route: str) -> None:
    assert route_of(path) == route


def test_libraries_are_not_loaded_without_an_endpoint(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from main.container import open_container\n"
        "from main.settings import read\n"
        "async def run():\n"
        "    async with open_container(read()): pass\n"
        "asyncio.run(run())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "main.observability.tracing" in loaded
    assert not [name for name in loaded if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
