"""The failover card: sixteen faults of a provider, and the result for a caller of POST /v1/chat/completions.

    python -m benchmarks.failover_card [--scale 0.1] [--write docs/failover-card.md]

The faults, and the criteria for a pass, are those of Failover Bench (github.com/failoverbench/failoverbench,
methodology 0.1), implemented as modes of the sandbox's stand-ins; their program is not run. `--scale` shortens all
times on both sides: at 0.1 a provider that is silent for 30 s is silent for 3 s, and timeouts are a tenth as long.
"""

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.failover_faults import FAULTS, Fault, Seen, judged
from main.container import open_container
from main.front_ends import web_services
from main.http.server import http_server
from main.settings import read
from sandbox.app import Sandbox
from sandbox.providers import StandIns
from web.app import build_app

ADMIN = "admin-key-of-the-failover-card"
PROMPT = "Explain why a gateway earns trust only when the provider behind it misbehaves."
NANO_PER_TOKEN = 5000  # 5.00 USD per 1M tokens
PRIMARY, SECOND, NO_PREFILL = "deepseek", "gemini", "anthropic"
CONFIG = """
[models.card]
offers = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite"]
usd_per_mtok = "5.00"
[models.noprefill]
offers = ["deepseek/deepseek-v4-flash", "anthropic/claude-haiku-5-5"]
usd_per_mtok = "5.00"
[models.one]
offers = ["deepseek/deepseek-v4-flash"]
usd_per_mtok = "5.00"
[models.two]
offers = ["gemini/gemini-2.5-flash-lite"]
usd_per_mtok = "5.00"
[models.three]
offers = ["anthropic/claude-haiku-5-5"]
usd_per_mtok = "5.00"
[prices."deepseek/deepseek-v4-flash"]
input = "0.01"
output = "0.02"
[prices."gemini/gemini-2.5-flash-lite"]
input = "0.10"
output = "0.40"
[prices."anthropic/claude-haiku-5-5"]
input = "0.10"
output = "0.50"
[plans.free]
tokens_per_month = 0
requests_per_minute = 100000
[health]
first_token_seconds = {first}
idle_seconds = {idle}
rest_seconds = {rest}
"""


@dataclass(slots=True)
class Bench:
    """The program under test, and a client of it."""

    sandbox: Sandbox
    http: httpx.AsyncClient
    scale: float
    tenant: str = ""
    texts: dict[str, str] = field(default_factory=dict)

    async def ask(self, model: str, *, stream: bool, most_seconds: float) -> Seen:
        """Make one call as a client. Return its result, with the wallet's change."""
        before, began = await self.wallet(), time.monotonic()
        calls = {name: found.calls for name, found in self.sandbox.stand_ins.providers.items()}
        body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
        try:
            async with asyncio.timeout(most_seconds):
                seen = await (self._stream(body) if stream else self._whole(body))
        except TimeoutError:
            seen = Seen(hung=True)
        seen.seconds = (time.monotonic() - began) / self.scale
        seen.charged_nanousd = before - await self.wallet()
        seen.expected_nanousd = NANO_PER_TOKEN * seen.tokens
        after = self.sandbox.stand_ins.providers
        seen.calls = {name: after[name].calls - count for name, count in calls.items() if after[name].calls > count}
        return seen

    async def wallet(self) -> int:
        answer = await self.http.get(f"/admin/tenants/{self.tenant}", headers={"authorization": f"Bearer {ADMIN}"})
        whole, _, part = str(answer.json()["wallet_usd"]).partition(".")
        return int(whole) * 10**9 + int(part.ljust(9, "0") or 0)

    async def _whole(self, body: dict[str, Any]) -> Seen:
        answer = await self.http.post("/v1/chat/completions", json=body)
        found = answer.json()
        if answer.status_code >= 400:
            return Seen(error=f"{answer.status_code} {found['error']['code']}", reason=found["error"]["message"])
        text, usage = found["choices"][0]["message"]["content"] or "", found["usage"]
        provider = answer.headers["x-farthing-provider"]
        return Seen(text, provider=provider, model=found["model"], tokens=usage["total_tokens"], has_usage=True)

    async def _stream(self, body: dict[str, Any]) -> Seen:
        body = {**body, "stream_options": {"include_usage": True}}
        seen = Seen()
        async with self.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            if answer.status_code >= 400:
                found = json.loads(await answer.aread())
                return Seen(error=f"{answer.status_code} {found['error']['code']}", reason=found["error"]["message"])
            seen.provider = answer.headers["x-farthing-provider"]
            async for line in answer.aiter_lines():
                _take(seen, line)
        if not seen.done and not seen.error:
            seen.error = "ended without [DONE]"
        return seen


def _take(seen: Seen, line: str) -> None:
    if not line.startswith("data: "):
        return
    if line == "data: [DONE]":
        seen.done = True
        return
    found = json.loads(line[6:])
    if "error" in found:
        seen.error, seen.reason = f"error event {found['error']['code']}", found["error"]["message"]
        return
    seen.model = found["model"]
    for choice in found["choices"]:
        seen.text += choice["delta"].get("content") or ""
    if found.get("usage"):
        seen.tokens, seen.has_usage = found["usage"]["total_tokens"], True


async def run(fault: Fault, *, stream: bool, scale: float) -> Seen:
    """Run one fault in a new program, so that no breaker remembers an earlier fault."""
    async with _bench(scale) as bench:
        for model, name in (("one", PRIMARY), ("two", SECOND), ("three", NO_PREFILL)):
            bench.texts[name] = (await bench.ask(model, stream=False, most_seconds=30)).text
        if fault.flaps:
            return await _flapping(bench, fault, stream=stream)
        bench.sandbox.stand_ins.set_mode(PRIMARY, fault.mode)
        seen = await bench.ask(fault.model, stream=stream, most_seconds=fault.most_seconds * scale)
        seen.whole = bool(seen.text) and seen.text == bench.texts.get(seen.provider)
        bench.sandbox.stand_ins.set_mode(PRIMARY, "up")
        after = await bench.ask("two", stream=False, most_seconds=10)
        seen.alive_after = after.text == bench.texts[SECOND]
        return seen


async def _flapping(bench: Bench, fault: Fault, *, stream: bool) -> Seen:
    """Make twenty calls, one every four seconds, to a provider that is down for a minute and then healthy."""
    began, sum_of = time.monotonic(), Seen(alive_after=True, whole=True)
    bench.sandbox.stand_ins.set_mode(PRIMARY, fault.mode)
    for number in range(20):
        await asyncio.sleep(max(0.0, began + number * 4 * bench.scale - time.monotonic()))
        now = (time.monotonic() - began) / bench.scale
        if now >= 60:
            bench.sandbox.stand_ins.set_mode(PRIMARY, "up")
        seen = await bench.ask(fault.model, stream=stream, most_seconds=30 * bench.scale)
        sum_of.add(seen, is_whole=seen.text == bench.texts.get(seen.provider))
        if now >= 60 and seen.provider == PRIMARY and sum_of.recovered_seconds is None:
            sum_of.recovered_seconds = now - 60
        if now < 60:
            sum_of.calls_while_down += seen.calls.get(PRIMARY, 0)
    return sum_of


@asynccontextmanager
async def _bench(scale: float) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox()
        sandbox.stand_ins = StandIns(word_seconds=0.015 * scale, slow_seconds=20 * scale)
        async with sandbox:
            variables = {
                "DATABASE_URL": f"sqlite:///{folder}/card.db",
                "FARTHING_CONFIG": f"{folder}/farthing.toml",
                "ADMIN_API_KEY": ADMIN,
            }
            for name in (PRIMARY, SECOND, NO_PREFILL):
                variables |= {f"{name.upper()}_BASE_URL": sandbox.provider_urls[name], f"{name.upper()}_API_KEY": "k"}
            config = CONFIG.format(first=10 * scale, idle=30 * scale, rest=60 * scale)
            Path(variables["FARTHING_CONFIG"]).write_text(config)  # noqa: ASYNC240 - nothing runs yet
            async with open_container(read(variables, Path(folder) / "none.env")) as container:
                server = http_server(build_app(web_services(container)), "127.0.0.1", 0)
                serving = asyncio.create_task(server.serve())
                while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.01)
                url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
                try:
                    async with httpx.AsyncClient(base_url=url, timeout=None, trust_env=False) as http:
                        yield await _entered(Bench(sandbox, http, scale))
                finally:
                    await container.gateway.close(1)
                    server.should_exit = True
                    await serving


async def _entered(bench: Bench) -> Bench:
    """Create a tenant with money and a key."""
    as_admin = {"authorization": f"Bearer {ADMIN}"}
    bench.tenant = (await bench.http.post("/admin/tenants", json={"name": "card"}, headers=as_admin)).json()["id"]
    path = f"/admin/tenants/{bench.tenant}"
    credit = {"usd": "5.00", "reason": "card"}
    await bench.http.post(f"{path}/credits", json=credit, headers={**as_admin, "Idempotency-Key": "card"})
    key = (await bench.http.post(f"{path}/keys", json={"name": "card"}, headers=as_admin)).json()["key"]
    bench.http.headers["authorization"] = f"Bearer {key}"
    return bench


def card(rows: list[tuple[Fault, bool, Seen]], scale: float) -> str:
    verdicts = [judged(fault, seen)[0] for fault, _, seen in rows]
    count = ", ".join(f"{verdicts.count(word)} {word}" for word in ("pass", "partial", "safe", "fail"))
    lines = [
        "# Failover card",
        "",
        f"Made by `make failover-card` on {datetime.now(UTC):%Y-%m-%d}, at {scale:g} of real time: {count}.",
        "",
        *(line.strip() for line in _ABOUT.strip().splitlines()),
        "",
        "| fault | asked | the caller saw | calls of each provider | charged = tokens at the price | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for fault, stream, seen in rows:
        verdict, why = judged(fault, seen)
        calls = ", ".join(f"{name} {number}" for name, number in seen.calls.items())
        charged = f"{seen.charged_nanousd / 10**9:.9f}".rstrip("0").rstrip(".") or "0"
        exact = "yes" if seen.charged_nanousd == seen.expected_nanousd else "NO"
        way = "stream" if stream else "whole"
        lines.append(
            f"| {fault.id} {fault.title} | {way} | {seen.told} | {calls} | {exact}: {charged} USD | "
            f"**{verdict}**{': ' + why if why else ''} |"
        )
    return "\n".join(lines) + "\n"


_ABOUT = """
The sixteen faults, and what counts as a pass, are those of [Failover Bench](https://github.com/failoverbench/failoverbench)
(methodology 0.1), implemented as modes of the sandbox's stand-ins. This is our own run of our own harness, not a row
of theirs. *pass*: the caller got the whole answer and the gateway behaved. *partial*: it did, but something advised
was left out. *safe*: no answer, but a clean error, soon, and no charge. *fail*: a hang, a cut answer passed off as
whole, or a wrong charge. The first provider is DeepSeek's stand-in, the second Gemini's (S14: Claude's, which takes no
begun answer). Farthing waits 10 s for a first token here: `[health] first_token_seconds` in farthing.toml. With the
default of 20 s, S07 takes 22 s, which is *partial*. All other settings are the defaults.

A caller who streams has seen words that cannot be taken back, so an answer that breaks off ends in an error event
and costs nothing; asked for in one piece, or in Telegram, the next attempt begins the same answer anew.
A provider that failed quickly is asked once more if the next one costs over three times as much, as here (S03 to S05,
S08). After a 429 or a silence the next one is asked at once (S01, S06, S09).
"""


async def _all(scale: float) -> list[tuple[Fault, bool, Seen]]:
    rows = []
    for fault in FAULTS:
        for stream in (True, False):
            seen = await run(fault, stream=stream, scale=scale)
            rows.append((fault, stream, seen))
            print(f"{fault.id} {'stream' if stream else 'whole':6} {' '.join(judged(fault, seen))}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Sixteen faults, and what a caller gets in each.")
    parser.add_argument("--scale", type=float, default=0.1, help="of real time; 1 takes a quarter of an hour")
    parser.add_argument("--write", type=Path, help="the card as Markdown")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    text = card(asyncio.run(_all(given.scale)), given.scale)
    if given.write:
        given.write.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
