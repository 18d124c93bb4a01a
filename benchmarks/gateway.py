"""CPU of the HTTP gateway for a request, as a multiple of a bare pass-through's in the same run.

`python -m benchmarks.gateway [requests]` (`make bench-gateway`) starts a mock provider that answers with 100 words,
each in a frame written by itself without gaps; the bare pass-through, Starlette on uvicorn with uvloop and httptools,
httpx over httpx-aiohttp; and `python -m main web` with keys, limits, durable holds and captures, and the journal. A
gateway has one core for itself, load and provider share the other. Linux only: CPU and memory are read from /proc.
`--memory` watches the resident memory over so many whole answers instead.
`--litellm PROGRAM` starts that `litellm` too, without a database and with one worker, and tells our share of its CPU.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = 100
ADMIN_KEY = "benchmark-admin-key-of-24-chars"
CONFIG = """
[plans.free]
requests_per_minute = 100000000
max_output_tokens = 1000
"""
PROMPT = [{"role": "user", "content": "Tell me about the sea in a hundred words, please."}]
LITELLM_KEY = "sk-benchmark"
MEMORY_SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    at_once: int
    stream: bool


LOADS = (
    Load("whole, 64 in flight", 64, stream=False),
    Load("streams, 32 at once", 32, stream=True),
    Load("whole, one at a time", 1, stream=False),
    Load("streams, one at a time", 1, stream=True),
)


@dataclass(slots=True)
class Gateway:
    """A running gateway. `target` is its host, port, path and key."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    model: str
    key: str

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def started(
    name: str, arguments: list[str], core: int, program: str = sys.executable, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG"}}
    cores = {core % (os.cpu_count() or 1)}
    quiet = subprocess.DEVNULL if program != sys.executable else None  # LiteLLM logs each request
    process = subprocess.Popen([program, *arguments], env={**kept, **variables}, stdout=quiet, stderr=quiet)
    os.sched_setaffinity(process.pid, cores)
    try:
        yield process
    finally:
        process.terminate()
        if process.wait(40) not in {0, -15}:
            print(f"{name} exited with {process.returncode}")


async def request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
    """Send one request over an open connection, and read its response to the end."""
    writer.write(head + body)
    received = await reader.readuntil(b"\r\n\r\n")
    if not received.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"a gateway answered {received[:200]!r}")
    if b"\r\ntransfer-encoding: chunked" in received.lower():
        while (size := int((await reader.readuntil(b"\r\n"))[:-2], 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
        return
    lines = received.lower().split(b"\r\n")
    length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
    await reader.readexactly(length)


async def drive(gateway: Gateway, load: Load, requests: int) -> float:
    """Send `requests` requests; return the gateway's CPU seconds per request."""
    body = json.dumps({"model": gateway.model, "messages": PROMPT, "stream": load.stream, "max_tokens": 500}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gateway.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()

    async def worker(share: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=2**22)
        for _ in range(share):
            await request(reader, writer, head, body)
        writer.close()

    before = gateway.cpu_seconds()
    await asyncio.gather(*(worker(max(1, requests // load.at_once)) for _ in range(load.at_once)))
    return (gateway.cpu_seconds() - before) / (max(1, requests // load.at_once) * load.at_once)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer")


def call_admin(port: int, path: str, body: Any, **headers: str) -> Any:
    url = f"http://127.0.0.1:{port}{path}"
    asked = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
    asked.add_header("authorization", f"Bearer {ADMIN_KEY}")
    asked.add_header("content-type", "application/json")
    for name, value in headers.items():
        asked.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def new_key(port: int) -> str:
    tenant = call_admin(port, "/admin/tenants", {"name": "load"})["id"]
    call_admin(port, f"/admin/tenants/{tenant}/credits", {"usd": "100000", "reason": "load"}, idempotency_key="1")
    key: str = call_admin(port, f"/admin/tenants/{tenant}/keys", {"name": "load"})["key"]
    return key


@contextmanager
def litellm(program: str, folder: Path, port: int, provider: str) -> Iterator[Gateway]:
    model = {
        "model_name": "gpt-4o-mini",
        "litellm_params": {"model": "openai/gpt-4o-mini", "api_base": provider, "api_key": "k"},
    }
    config = folder / "litellm.yaml"  # JSON is YAML
    config.write_text(json.dumps({"model_list": [model], "general_settings": {"master_key": LITELLM_KEY}}))
    arguments = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with started("litellm", arguments, 0, program, LITELLM_LOCAL_MODEL_COST_MAP="True") as process:
        wait_for(f"http://127.0.0.1:{port}/health/liveliness")
        yield Gateway("litellm", process, port, "gpt-4o-mini", LITELLM_KEY)


@contextmanager
def gateways(folder: Path, port: int) -> Iterator[tuple[Gateway, Gateway]]:
    provider = f"http://127.0.0.1:{port}/v1"
    (folder / "farthing.toml").write_text(CONFIG)
    ours = {
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": provider,
        "ADMIN_API_KEY": ADMIN_KEY,
        "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "FARTHING_CONFIG": str(folder / "farthing.toml"),
        "PORT": str(port + 2),
        "LOG_LEVEL": "WARNING",
    }
    with (
        started("provider", ["-m", "benchmarks.gateway_peers", "provider", str(port)], 1),
        started("bare", ["-m", "benchmarks.gateway_peers", "bare", str(port + 1), provider], 0) as bare,
        started("farthing", ["-m", "main", "web"], 0, **ours) as farthing,
    ):
        for each in (f"{provider}/models", f"http://127.0.0.1:{port + 1}/health", f"http://127.0.0.1:{port + 2}/ready"):
            wait_for(each)
        yield (
            Gateway("bare", bare, port + 1, "gpt-4o-mini", "k"),
            Gateway("farthing", farthing, port + 2, "gpt-4o-mini", new_key(port + 2)),
        )


async def measure(bare: Gateway, farthing: Gateway, others: list[Gateway], requests: int, rounds: int) -> None:
    idle = farthing.resident_mb()
    for load in LOADS:
        count = requests if load.at_once > 1 else max(20, requests // 4)
        for gateway in (bare, farthing, *others):
            await drive(gateway, load, max(load.at_once, count // 10))  # warm-up
        spent = {gateway.name: 0.0 for gateway in (bare, farthing, *others)}
        for _ in range(rounds):  # alternating, so that a busy moment of the machine affects both
            for gateway in (bare, farthing, *others):
                spent[gateway.name] += await drive(gateway, load, count // rounds) / rounds
        ratio = spent["farthing"] / spent["bare"]
        times = ", ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in spent.items())
        shares = "".join(f", 1/{spent[each.name] / spent['farthing']:.1f} of {each.name}" for each in others)
        print(f"{load.name:24} {times}: {ratio:.2f} x{shares}", flush=True)
    print(f"memory: {idle:.0f} MiB idle, {farthing.resident_mb():.0f} MiB afterwards")


async def watch_memory(farthing: Gateway, requests: int) -> None:
    """Print the resident memory when idle, and at intervals during `requests` complete answers with 64 in parallel."""
    print(f"idle: {farthing.resident_mb():.0f} MiB", flush=True)
    done = 0
    for share in MEMORY_SHARES:
        part = int(requests * share) - done
        seconds = await drive(farthing, LOADS[0], part)
        done += part
        print(f"after {done:,}: {farthing.resident_mb():.0f} MiB, {seconds * 1000:.2f} ms each", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", nargs="?", type=int, default=2000, help="for each load; a quarter one at a time")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--memory", action="store_true", help="watch the memory instead of the CPU")
    parser.add_argument("--litellm", metavar="PROGRAM", help="a `litellm` with its proxy, installed beside this")
    parser.add_argument("--port", type=int, default=18_760)
    given = parser.parse_args()
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare, farthing = stack.enter_context(gateways(folder, given.port))
        if given.memory:
            asyncio.run(watch_memory(farthing, given.requests))
            return
        others = []
        if given.litellm:
            provider = f"http://127.0.0.1:{given.port}/v1"
            others.append(stack.enter_context(litellm(given.litellm, folder, given.port + 3, provider)))
        asyncio.run(measure(bare, farthing, others, given.requests, given.rounds))


if __name__ == "__main__":
    main()
