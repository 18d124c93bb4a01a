"""GET /metrics."""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from engine.chat import Usage
from sandbox.app import Sandbox
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import holds, journal
from storage.operations import job_runs
from tests.builders import attempt
from tests.storage.books import DOUBLE, NOW, hold_request
from tests.web.conftest import ADMIN_KEY, ASKED, CONFIG, RunningApi, serving
from web.exposition import sample
from web.metrics import LoopLag, _wal_bytes

DOCS = Path(__file__).parents[2] / "docs"


async def scrape(api: RunningApi) -> dict[str, str]:
    async with api.http(ADMIN_KEY) as admin:
        answer = await admin.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


async def answered_and_failed(api: RunningApi) -> None:
    """Let gemini give one answer after failures of deepseek."""
    api.set_mode("down", "deepseek")
    async with api.http() as http:
        await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
    await api.idle()


async def job_ran(api: RunningApi) -> None:
    """Store a run of a job that began two seconds late, took 30 ms and failed."""
    now = api.container.clock.now()

    def unit(conn: Connection) -> None:
        job_runs.begin(conn, "invoices", now - timedelta(seconds=2), now)
        job_runs.finish(conn, "invoices", 30, now, "OSError")

    await api.container.db.write(unit)


async def exposed(api: RunningApi) -> dict[str, tuple[str, frozenset[str]]]:
    """Return the type and the labels of each metric, without `le`."""
    async with api.http(ADMIN_KEY) as admin:
        text = (await admin.get("/metrics")).text
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    labels: dict[str, set[str]] = {name: set() for name in kinds}
    for name, pairs in re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        labels[name] |= set(re.findall(r'(\w+)="', pairs)) - {"le"}
    return {name: (kind, frozenset(labels[name])) for name, kind in kinds.items()}


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Return the type and the labels of each metric in docs/metrics.md."""
    row = re.compile(r"^\| `(farthing_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
    rows = row.findall((DOCS / "metrics.md").read_text())
    return {name: (kind, frozenset(labels.replace(",", " ").split())) for name, kind, labels in rows}


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
    async with asyncio.timeout(60):
        while not (worst := lag.worst_seconds()):
            await asyncio.sleep(0)
    assert worst >= 0.04


async def test_each_metric_is_documented_with_its_type_and_labels(api: RunningApi) -> None:
    """Each metric has a row in docs/metrics.md, and each row a metric; `le` belongs to every histogram."""
    await answered_and_failed(api)
    await job_ran(api)
    assert await exposed(api) == documented()


def test_dashboard_uses_only_documented_metrics() -> None:
    names = {
        name + end
        for name, (kind, _) in documented().items()
        for end in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
    }
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = [set(re.findall(r"farthing_\w+", expression)) for expression in expressions]
    assert all(used)
    assert set().union(*used) - names == set()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


async def test_runs_of_jobs_are_shown_whichever_process_ran_them(api: RunningApi) -> None:
    await job_ran(api)
    found = await scrape(api)
    values = {name: found[f'farthing_job_{name}{{job="invoices"}}'] for name in ("runs_total", "failures_total")}
    assert values == {"runs_total": "1", "failures_total": "1"}
    assert float(found['farthing_job_duration_seconds{job="invoices"}']) == 0.03
    assert float(found['farthing_job_lateness_seconds{job="invoices"}']) == 2


async def test_invented_models_and_providers_are_one_series(api: RunningApi) -> None:
    def unit(conn: Connection) -> None:
        for number in range(50):
            for provider in ("deepseek", f"gone-{number}"):
                journal.record(
                    conn,
                    attempt(
                        request_id=f"{provider}:{number}",
                        provider=provider,
                        model=f"invented-{number}",
                        usage=Usage(3, 4),
                        kept=True,
                    ),
                )

    await api.container.db.write(unit)
    found = await scrape(api)
    assert found['farthing_input_tokens_total{provider="deepseek",model="other"}'] == "150"
    assert found['farthing_output_tokens_total{provider="other",model="other"}'] == "200"
    assert found['farthing_attempts_total{provider="other",outcome="answered"}'] == "50"
    assert not [name for name in found if "invented" in name or "gone" in name]


async def test_money_of_open_holds_offer_states_and_queue_are_shown(api: RunningApi) -> None:
    await api.container.db.write(
        lambda conn: holds.hold(conn, hold_request(1, tariff=DOUBLE), api.container.lease.id, NOW)
    )
    found = await scrape(api)
    assert (found["farthing_open_holds"], found["farthing_open_holds_nanousd"]) == ("1", "400000")
    offer = 'provider="gemini",model="gemini-2.5-flash-lite"'
    assert found[f'farthing_offer_state{{{offer},state="closed"}}'] == "1"
    assert (found["farthing_writer_queue_units"], found["farthing_body_memory_bytes"]) == ("0", "0")
    await api.container.db.write(lambda conn: holds.void(conn, "r1:1", NOW))


async def test_attempts_in_flight_are_those_of_the_answers(tmp_path: Path, sandbox: Sandbox) -> None:
    async with serving(tmp_path, sandbox, CONFIG + "[health]\nfirst_token_seconds = 2\n") as api:
        api.set_mode("keepalive_only")
        async with api.http() as http:
            asking = asyncio.create_task(http.post("/v1/chat/completions", json={"model": "seen", "messages": ASKED}))
            async with asyncio.timeout(60):
                while (found := await scrape(api))["farthing_in_flight_attempts"] != "1":
                    await asyncio.sleep(0)
            assert found["farthing_in_flight_answers"] == "1"
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await api.idle()
        assert (await scrape(api))["farthing_in_flight_attempts"] == "0"


async def test_durations_and_retries_of_this_process_are_counted_by_outcome(api: RunningApi) -> None:
    await answered_and_failed(api)
    found = await scrape(api)
    for outcome, provider, number in (("overloaded", "deepseek", "2"), ("answered", "gemini", "1")):
        labels = f'provider="{provider}",outcome="{outcome}"'
        assert found[f"farthing_attempt_duration_seconds_count{{{labels}}}"] == number
    assert found['farthing_attempt_first_token_seconds_count{provider="gemini",outcome="answered"}'] == "1"
    assert 'farthing_attempt_first_token_seconds_count{provider="deepseek",outcome="overloaded"}' not in found
    assert found['farthing_retries_total{provider="deepseek"}'] == "1"
    assert found['farthing_retries_total{provider="gemini"}'] == "1"


def test_labels_are_escaped() -> None:
    assert sample("m", {"model": 'a"b\\c\nd'}, 1) == 'm{model="a\\"b\\\\c\\nd"} 1'
    assert sample("m", {}, 1) == "m 1"


def test_size_of_the_write_ahead_log_is_sqlites_alone(tmp_path: Path) -> None:
    def database(**values: Any) -> Database:
        return cast("Database", SimpleNamespace(**values))

    url = f"sqlite:///{tmp_path}/a.db"
    assert _wal_bytes(database(dialect="postgresql", url="postgresql://x")) is None
    assert _wal_bytes(database(dialect="sqlite", url=url)) == 0
    (tmp_path / "a.db-wal").write_bytes(b"12345")
    assert _wal_bytes(database(dialect="sqlite", url=url)) == 5
