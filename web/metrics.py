"""GET /metrics: Prometheus text. Counters come from the database, so a restart does not reset them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from engine.attempt_record import NO_OFFER
from engine.gateway.gateway import Gateway
from engine.gateway.question import Market
from engine.money import Money
from engine.routing.health import State
from storage.alerts import incidents
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import expiry
from storage.operations import job_runs
from storage.operations.job_runs import JobRun
from storage.reports import outcomes, usage
from storage.reports.outcomes import Outcome
from storage.reports.rollups import BUCKETS_MS
from storage.reports.usage import OfferTotals
from web.attempt_metrics import SECONDS, AttemptMetrics, Distribution, Labels
from web.exposition import MEDIA_TYPE, histogram, metric
from web.openapi_parts import KEY_ERRORS, Responses, errors
from web.requests.body_memory import BodyMemory

OTHER = "other"
EVER = (date.min, date.max)
BEAT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Counters:
    """The part of a scrape that comes from the database, read on one snapshot."""

    totals: Sequence[OfferTotals]
    ended: Sequence[Outcome]
    open_holds: int
    held_money: Money
    open_incidents: int
    jobs: Sequence[JobRun]

    @classmethod
    def read(cls, conn: Connection) -> "Counters":
        return cls(
            usage.totals_by_offer(conn),
            outcomes.rows(conn, *EVER),
            expiry.open_holds(conn),
            expiry.held_money(conn),
            len(incidents.all_open(conn)),
            list(job_runs.latest(conn).values()),
        )


class LoopLag:
    """The longest delay of an event loop's timer since the last scrape, measured from the first scrape on."""

    def __init__(self, beat_seconds: float = BEAT_SECONDS) -> None:
        self._beat_seconds = beat_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = self._worst = 0.0

    def worst_seconds(self) -> float:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._wait(loop)
        worst, self._worst = self._worst, 0.0
        return worst

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + self._beat_seconds
        loop.call_at(self._due, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._worst = max(self._worst, loop.time() - self._due)
        self._wait(loop)


def router(db: Database, gateway: Gateway, attempts: AttemptMetrics, memory: BodyMemory) -> APIRouter:
    routes, lag = APIRouter(tags=["health"]), LoopLag()
    text: Responses = {
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus text"}
    }

    @routes.get("/metrics", summary="Prometheus", response_class=Response, responses=text | errors(*KEY_ERRORS))
    async def metrics() -> Response:
        counters = await db.read(Counters.read)
        lines = [
            *database_metrics(counters, gateway.market),
            *_process_metrics(db, gateway, lag, memory),
            *attempt_lines(attempts),
        ]
        return Response("\n".join(lines) + "\n", media_type=MEDIA_TYPE)

    return routes


def database_metrics(counters: Counters, market: Market) -> Iterable[str]:
    """Yield the counters of all replicas. Models and providers that are not configured are summed up as `other`."""
    totals = _by_known_offer(counters.totals, market)
    for name, words, value in _PER_OFFER:
        pairs = (
            ({"provider": provider, "model": model}, sum((value(each) for each in found[1:]), value(found[0])))
            for (provider, model), found in totals.items()
        )
        yield from metric(f"farthing_{name}_total", "counter", words, pairs)
    outcomes_of = _by_known_outcome(counters.ended, market)
    attempts = (
        ({"provider": provider, "outcome": outcome}, sum(each.attempts for each in found))
        for (provider, outcome), found in outcomes_of.items()
    )
    yield from metric("farthing_attempts_total", "counter", "Attempts by outcome", attempts)
    yield from histogram(
        "farthing_first_token_seconds",
        "Time to the first token",
        [bound / 1000 for bound in BUCKETS_MS],
        _first_tokens(outcomes_of),
    )
    yield from metric("farthing_open_holds", "gauge", "Open holds", [({}, counters.open_holds)])
    held = counters.held_money.nanousd
    yield from metric("farthing_open_holds_nanousd", "gauge", "Wallet money in open holds", [({}, held)])
    yield from metric("farthing_open_incidents", "gauge", "Open incidents", [({}, counters.open_incidents)])
    for name, kind, words, of_run in _PER_JOB:
        yield from metric(
            f"farthing_job_{name}", kind, words, [({"job": each.name}, of_run(each)) for each in counters.jobs]
        )


_PER_OFFER: Sequence[tuple[str, str, Callable[[OfferTotals], Any]]] = (
    ("prompts", "Answers that were delivered and charged", lambda each: each.prompts),
    ("input_tokens", "Input tokens of these answers", lambda each: each.input_tokens),
    ("output_tokens", "Output tokens of these answers", lambda each: each.output_tokens),
    ("allowance_tokens", "Tokens paid by plan allowances", lambda each: each.allowance_tokens),
    ("charge_usd", "Charges to wallets", lambda each: each.charge),
    ("cost_usd", "Cost of delivered answers", lambda each: each.cost),
    ("waste_usd", "Cost of attempts whose answer was not delivered", lambda each: each.waste),
)


_PER_JOB: Sequence[tuple[str, str, str, Callable[[JobRun], Any]]] = (
    ("runs_total", "counter", "Runs of a scheduled job that ended", lambda each: each.runs),
    ("failures_total", "counter", "Runs that failed", lambda each: each.failures),
    ("duration_seconds", "gauge", "Duration of the latest run", lambda each: each.duration_ms / 1000),
    ("lateness_seconds", "gauge", "Delay of the latest run after it was due", lambda each: each.lateness_ms / 1000),
    ("started_timestamp_seconds", "gauge", "Begin of the latest run", lambda each: each.started_at.timestamp()),
)


def _by_known_offer(totals: Sequence[OfferTotals], market: Market) -> dict[tuple[str, str], list[OfferTotals]]:
    """Group the totals by provider and model. Tenants may request any name, so unconfigured models form one group."""
    known = {(offer.provider, offer.model) for name in market.providers for offer in market.catalog.offers_of(name)}
    groups: dict[tuple[str, str], list[OfferTotals]] = {}
    for each in totals:
        key = (each.provider, each.model)
        groups.setdefault(key if key in known else (_known(each.provider, market), OTHER), []).append(each)
    return dict(sorted(groups.items()))


def _by_known_outcome(ended: Sequence[Outcome], market: Market) -> dict[tuple[str, str], list[Outcome]]:
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for each in ended:
        groups.setdefault((_known(each.provider, market), each.outcome), []).append(each)
    return dict(sorted(groups.items()))


def _known(provider: str, market: Market) -> str:
    return provider if provider in market.providers or provider == NO_OFFER else OTHER


def _first_tokens(ended: Mapping[tuple[str, str], Sequence[Outcome]]) -> Iterable[tuple[Labels, Distribution]]:
    for name in sorted({provider for provider, _ in ended}):
        found = [each for (provider, _), outcomes_of in ended.items() if provider == name for each in outcomes_of]
        if count := sum(each.first_tokens for each in found):
            within = [sum(each.within[number] for each in found) for number in range(len(BUCKETS_MS))]
            yield {"provider": name}, Distribution(within, count, sum(each.first_token_ms for each in found) / 1000)


def _process_metrics(db: Database, gateway: Gateway, lag: LoopLag, memory: BodyMemory) -> Iterable[str]:
    market = gateway.market
    states = [each for each in market.health.states() if market.providers[each.name].keys]
    flags = (
        ({"provider": each.name, "state": state.value}, int(each.state is state)) for each in states for state in State
    )
    yield from metric(
        "farthing_provider_state", "gauge", "1 for the current state of a provider in this process", flags
    )
    offers = (
        ({"provider": offer.provider, "model": offer.model, "state": market.health.offer_state(offer).state.value}, 1)
        for each in states
        for offer in market.catalog.offers_of(each.name)
    )
    yield from metric("farthing_offer_state", "gauge", "The current state of each offer in this process", offers)
    p50s = (
        ({"provider": each.name}, each.p50_first_token_ms / 1000)
        for each in states
        if each.p50_first_token_ms is not None
    )
    yield from metric(
        "farthing_first_token_p50_seconds", "gauge", "Recent median time to the first token in this process", p50s
    )
    singles = {
        "farthing_in_flight_answers": ("Answers in progress in this process", gateway.in_flight),
        "farthing_in_flight_attempts": ("Calls of providers in progress in this process", gateway.attempts_in_flight),
        "farthing_loop_lag_seconds": (
            "Worst delay of the event loop since the last scrape",
            f"{lag.worst_seconds():.6f}",
        ),
        "farthing_body_memory_bytes": ("Memory of the request bodies being read in this process", memory.held_bytes),
        "farthing_writer_queue_units": ("Units of work that wait for the database in this process", db.queued),
        "farthing_database_wal_bytes": ("Size of SQLite's write-ahead log", _wal_bytes(db)),
    }
    for name, (words, value) in singles.items():
        if value is not None:
            yield from metric(name, "gauge", words, [({}, value)])


def _wal_bytes(db: Database) -> int | None:
    """Return the size of SQLite's write-ahead log; None for PostgreSQL."""
    if db.dialect != "sqlite":
        return None
    wal = Path(db.url.removeprefix("sqlite:///") + "-wal")
    return wal.stat().st_size if wal.exists() else 0


def attempt_lines(attempts: AttemptMetrics) -> Iterable[str]:
    """Yield the metrics of this process's attempts."""
    name, words = "farthing_attempt_duration_seconds", "Duration of attempts that ended in this process"
    yield from histogram(name, words, SECONDS, attempts.durations.distributions())
    name, words = "farthing_attempt_first_token_seconds", "Time to the first token of these attempts"
    yield from histogram(name, words, SECONDS, attempts.first_tokens.distributions())
    retries = (({"provider": provider}, number) for provider, number in sorted(attempts.retries.items()))
    words = "Attempts after the first one of their prompt, in this process"
    yield from metric("farthing_retries_total", "counter", words, retries)
