import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest

from sandbox.app import Sandbox
from storage.reports import rollups
from tests.journeys.conftest import Journey, started
from web.exposition import sample
from web.metrics import LoopLag


async def scraped(journey: Journey) -> dict[str, str]:
    async with journey.admin() as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


async def test_database_metrics_are_the_same_rolled_up_or_not(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "down")
    await journey.ask("tell me about tea")
    await journey.idle()
    for _ in range(2):
        found = await scraped(journey)
        offer = 'provider="gemini",model="gemini-2.5-flash-lite"'
        assert found[f"farthing_prompts_total{{{offer}}}"] == "1"
        assert float(found[f"farthing_cost_usd_total{{{offer}}}"]) > 0
        assert int(found[f"farthing_output_tokens_total{{{offer}}}"]) > 0
        assert found['farthing_attempts_total{provider="deepseek",outcome="overloaded"}'] == "1"
        assert found['farthing_attempts_total{provider="gemini",outcome="answered"}'] == "1"
        assert found['farthing_first_token_seconds_bucket{provider="gemini",le="+Inf"}'] == "1"
        assert found['farthing_first_token_seconds_count{provider="gemini"}'] == "1"
        assert found["farthing_open_holds"] == "0"
        await rollups.catch_up(journey.container.db)


async def test_metrics_of_the_process_are_included(journey: Journey) -> None:
    journey.container.market.health.drain("openai")
    found = await scraped(journey)
    assert found['farthing_provider_state{provider="openai",state="drained"}'] == "1"
    assert found['farthing_provider_state{provider="openai",state="closed"}'] == "0"
    assert found["farthing_in_flight_answers"] == "0"
    assert int(found["farthing_database_wal_bytes"]) > 0
    assert float(found["farthing_loop_lag_seconds"]) >= 0


async def test_metrics_need_the_admin_key(journey: Journey) -> None:
    async with httpx.AsyncClient(base_url=journey.url, trust_env=False, timeout=60) as http:
        assert (await http.get("/metrics")).status_code == 401


async def test_metrics_do_not_exist_without_an_admin_key(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.journeys.conftest.ADMIN_KEY", "")
    async with (
        started(tmp_path, sandbox) as journey,
        httpx.AsyncClient(base_url=journey.url, trust_env=False, timeout=60) as http,
    ):
        for path in ("/metrics", "/admin/usage", "/admin/invoices"):
            assert (await http.get(path, headers={"authorization": "Bearer x"})).status_code == 404, path


async def test_blocked_event_loop_is_measured() -> None:
    lag = LoopLag(beat_seconds=0.001)
    lag.worst_seconds()
    until = asyncio.get_running_loop().time() + 0.05
    while asyncio.get_running_loop().time() < until:
        """Block the event loop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            while not (worst := lag.worst_seconds()):
                await asyncio.sleep(0)
    assert worst >= 0.04


def test_label_values_are_escaped() -> None:
    assert sample("m", {"model": 'a"b\\c\nd'}, 1) == 'm{model="a\\"b\\\\c\\nd"} 1'
