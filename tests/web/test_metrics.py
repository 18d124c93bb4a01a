"""GET /metrics."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from storage.database.database import Database
from tests.web.conftest import ADMIN_KEY, ASKED, RunningApi
from web.metrics import LoopLag, _sample, _wal_bytes


async def scrape(api: RunningApi) -> dict[str, str]:
    async with api.http(ADMIN_KEY) as admin:
        answer = await admin.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


async def test_answers_and_attempts_are_counted_by_offer_and_outcome(api: RunningApi) -> None:
    api.set_mode("down", "deepseek")
    async with api.http() as http:
        await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
    await api.idle()
    found = await scrape(api)
    offer = 'provider="gemini",model="gemini-2.5-flash-lite"'
    assert found[f"farthing_prompts_total{{{offer}}}"] == "1"
    assert float(found[f"farthing_cost_usd_total{{{offer}}}"]) > 0
    # The next offer costs over three times as much, so the failed one is repeated once.
    assert found['farthing_attempts_total{provider="deepseek",outcome="overloaded"}'] == "2"
    assert found['farthing_attempts_total{provider="gemini",outcome="answered"}'] == "1"
    assert 'farthing_first_token_seconds_count{provider="deepseek"}' not in found
    assert found['farthing_first_token_seconds_count{provider="gemini"}'] == "1"
    assert (found["farthing_open_holds"], found["farthing_in_flight_answers"]) == ("0", "0")


async def test_histogram_buckets_are_cumulative(api: RunningApi) -> None:
    async with api.http() as http:
        await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
    await api.idle()
    found = await scrape(api)
    buckets = [int(value) for name, value in found.items() if name.startswith("farthing_first_token_seconds_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 1


async def test_states_and_medians_are_shown_for_configured_providers(api: RunningApi) -> None:
    api.container.market.health.drain("openai")
    async with api.http() as http:
        await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
    await api.idle()
    found = await scrape(api)
    assert found['farthing_provider_state{provider="openai",state="drained"}'] == "1"
    assert found['farthing_provider_state{provider="openai",state="closed"}'] == "0"
    assert not [name for name in found if 'provider="groq"' in name]
    assert 'farthing_first_token_p50_seconds{provider="gemini"}' not in found
    assert float(found['farthing_first_token_p50_seconds{provider="deepseek"}']) >= 0
    assert int(found["farthing_database_wal_bytes"]) > 0


async def test_lag_of_the_event_loop_is_the_worst_since_the_last_scrape() -> None:
    lag, loop = LoopLag(beat_seconds=0.001), asyncio.get_running_loop()
    assert lag.worst_seconds() == 0
    until = loop.time() + 0.05
    while loop.time() < until:
        """Block the event loop."""
    async with asyncio.timeout(5):
        while not (worst := lag.worst_seconds()):
            await asyncio.sleep(0)
    assert worst >= 0.04


def test_labels_are_escaped() -> None:
    assert _sample("m", {"model": 'a"b\\c\nd'}, 1) == 'm{model="a\\"b\\\\c\\nd"} 1'
    assert _sample("m", {}, 1) == "m 1"


def test_size_of_the_write_ahead_log_is_sqlites_alone(tmp_path: Path) -> None:
    def database(**values: Any) -> Database:
        return cast("Database", SimpleNamespace(**values))

    url = f"sqlite:///{tmp_path}/a.db"
    assert _wal_bytes(database(dialect="postgresql", url="postgresql://x")) is None
    assert _wal_bytes(database(dialect="sqlite", url=url)) == 0
    (tmp_path / "a.db-wal").write_bytes(b"12345")
    assert _wal_bytes(database(dialect="sqlite", url=url)) == 5
