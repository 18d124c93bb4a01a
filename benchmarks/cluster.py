"""Real processes of `web` and `clock` on one PostgreSQL with a load balancer, for benchmarks and tests."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.ports import free_port
from main.http.server import Server
from sandbox.app import Sandbox
from storage.database.connection import Connection
from storage.database.database import open_database
from storage.operations.audit import audit

T = TypeVar("T")
ADMIN_KEY = "admin-key-of-the-replica-tests"
PATIENCE_SECONDS = 3.0
"""How long the balancer waits for a replica before it asks the next one."""
CONFIG = """
[models.auto]
offers = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite"]
usd_per_mtok = "5.00"
[plans.free]
requests_per_minute = 100000
tokens_per_month = 100000000
[schedule]
expire_holds = 1
outages = 2
probes = 3
[routing]
fresh_prices = false
[backup]
folder = ""
"""


@dataclass
class Replica:
    """One process of `python -m main web` or `clock`."""

    name: str
    part: str
    folder: Path
    variables: Mapping[str, str]
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    is_frozen: bool = False
    is_ready: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def state(self) -> str:
        if not self.is_up:
            return "dead"
        return "frozen" if self.is_frozen else "up" if self.is_ready or self.part != "web" else "starting"

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - a fork, no wait
                [sys.executable, "-m", "main", self.part],
                cwd=self.folder,
                env={**self.variables, "PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )
        self.is_frozen = self.is_ready = False
        if self.part == "web":
            await self.until_ready()

    async def until_ready(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(1200):
                if not self.is_up:
                    break
                try:
                    if (await http.get(f"{self.url}/ready")).is_success:
                        self.is_ready = True
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start: {self.log.read_text()[-2000:]}")

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.is_frozen = number == signal.SIGSTOP or (self.is_frozen and number != signal.SIGCONT)

    def kill(self) -> None:
        self.is_ready = False
        self.send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(30)

    def end(self) -> int:
        """Stop it as an operator would; return the exit code."""
        if self.is_frozen:
            self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(60)


@dataclass
class Cluster:
    """Replicas over one database, one Telegram and the stand-in providers, all on this machine."""

    folder: Path
    sandbox: Sandbox
    database: str
    config: str = CONFIG
    replicas: dict[str, Replica] = field(default_factory=dict)
    public_url: str = ""

    @property
    def webs(self) -> list[Replica]:
        return [each for each in self.replicas.values() if each.part == "web"]

    async def add(self, name: str, part: str) -> Replica:
        made = self.replicas[name] = Replica(name, part, self.folder, self._variables())
        await made.start()
        return made

    def _variables(self) -> dict[str, str]:
        (self.folder / "farthing.toml").write_text(self.config)
        variables = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "TELEGRAM_BOT_TOKEN": self.sandbox.token,
            "TELEGRAM_API_URL": self.sandbox.telegram_url,
            "ADMIN_IDS": str(self.sandbox.admin_id),
            "ADMIN_API_KEY": ADMIN_KEY,
            "DATABASE_URL": self.database,
            "PUBLIC_URL": self.public_url,
            "FARTHING_CONFIG": str(self.folder / "farthing.toml"),
        }
        for name in ("deepseek", "gemini"):
            variables |= {f"{name.upper()}_BASE_URL": self.sandbox.provider_urls[name], f"{name.upper()}_API_KEY": "k"}
        return variables

    async def read(self, query: Callable[[Connection], T]) -> T:
        async with open_database(self.database) as db:
            return await db.read(query)

    async def number(self, sql: str) -> int:
        return int(await self.read(lambda conn: next(iter(conn.rows(sql)[0].values()))))

    async def problems(self) -> list[str]:
        """Return the problems that the audit finds."""
        report = await self.read(lambda conn: audit(conn, full=True))
        return [str(problem) for problem in report.problems]

    async def make_key(self, usd: str, plan: str = "free") -> str:
        """Create a tenant over HTTP with a credit, and return its API key."""
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        url = next(each.url for each in self.webs if each.is_up and not each.is_frozen)
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as http:
            made = (await http.post("/admin/tenants", json={"name": "cluster", "plan": plan})).json()
            path = f"/admin/tenants/{made['id']}"
            credit = {"usd": usd, "reason": "for the test"}
            once = {"idempotency-key": f"credit {made['id']}"}
            (await http.post(f"{path}/credits", json=credit, headers=once)).raise_for_status()
            return str((await http.post(f"{path}/keys", json={"name": "k"})).json()["key"])

    def close(self) -> None:
        for each in self.replicas.values():
            if each.is_up:
                each.kill()


class Balancer:
    """An HTTPS address in front of all `web` replicas: if one does not answer, the next one is asked."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._next = 0
        self._client = httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS)

    async def forward(self, request: Request) -> Response:
        body = await request.body()
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        for _ in range(2 * len(self._cluster.webs)):
            self._next += 1
            replica = self._cluster.webs[self._next % len(self._cluster.webs)]
            try:
                answer = await self._client.request(
                    request.method, f"{replica.url}{request.url.path}", content=body, headers=headers
                )
            except httpx.HTTPError:
                continue
            return Response(answer.content, answer.status_code)
        return Response("no replica answers", 502)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Yield the address, which has a certificate of its own."""
        key, certificate = self._cluster.folder / "key.pem", self._cluster.folder / "certificate.pem"
        subject = ("-subj", "/CN=127.0.0.1", "-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt")
        made = (
            "openssl",
            "req",
            "-x509",
            *subject,
            "ec_paramgen_curve:prime256v1",
            "-keyout",
            key,
            "-out",
            certificate,
        )
        subprocess.run(made, check=True, capture_output=True)  # noqa: ASYNC221 - a hundredth of a second
        app = Starlette(routes=[Route("/{path:path}", self.forward, methods=["GET", "POST"])])
        config = uvicorn.Config(
            app,
            port=free_port(),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_keyfile=key,
            ssl_certfile=str(certificate),
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
        )
        server = Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield f"https://127.0.0.1:{config.port}"
        finally:
            server.should_exit = True
            await task
            await self._client.aclose()


@asynccontextmanager
async def running_cluster(
    folder: Path, database: str, webs: int, clocks: int, *, config: str = CONFIG, word_seconds: float = 0.005
) -> AsyncIterator[Cluster]:
    """Start the replicas on a migrated database; kill the remaining ones at the end."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(word_seconds=word_seconds))
        cluster = Cluster(folder, sandbox, database, config)
        stack.callback(cluster.close)
        cluster.public_url = await stack.enter_async_context(Balancer(cluster).serving())
        await asyncio.gather(
            *(cluster.add(f"web{number}", "web") for number in range(webs)),
            *(cluster.add(f"clock{number}", "clock") for number in range(clocks)),
        )
        yield cluster


def cpu_seconds(cluster: Cluster) -> dict[str, float]:
    """Return the CPU seconds used so far by all `web`, the clocks, PostgreSQL, and this process with its stand-ins."""
    used = {"web": 0.0, "clock": 0.0, "PostgreSQL": 0.0, "load and stand-ins": time.process_time()}
    parts = {each.process.pid: each.part for each in cluster.replicas.values() if each.process is not None}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, fields = (folder / "stat").read_text().rpartition(") ")
        except OSError:
            continue  # the process has ended
        part = "PostgreSQL" if name.endswith("(postgres") else parts.get(int(folder.name))
        if part is not None:
            user, system, of_ended_user, of_ended_system = map(int, fields.split()[11:15])
            ended = of_ended_user + of_ended_system if part == "PostgreSQL" else 0
            used[part] += (user + system + ended) / os.sysconf("SC_CLK_TCK")
    return used
