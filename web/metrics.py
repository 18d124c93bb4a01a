"""GET /metrics: Prometheus text. Counters come from the database, so a restart does not reset them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fastapi import APIRouter, Response

from engine.gateway.gateway import Gateway
from engine.routing.health import State
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import expiry
from storage.operations import incidents
from storage.reports import outcomes, usage
from storage.reports.outcomes import Outcome
from storage.reports.rollups import BUCKETS_MS
from storage.reports.usage import OfferTotals
from web.openapi_parts import KEY_ERRORS, Responses, errors

KIND = "text/plain; version=0.0.4; charset=utf-8"
EVER = (date.min, date.max)
BEAT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Counters:
    """The database's part of a scrape, read on one snapshot."""

    totals: Sequence[OfferTotals]
    ended: Sequence[Outcome]
    open_holds: int
    open_incidents: int

    @classmethod
    def read(cls, conn: Connection) -> "Counters":
        return cls(
            usage.totals_by_offer(conn),
            outcomes.rows(conn, *EVER),
            expiry.open_holds(conn),
            len(incidents.all_open(conn)),
        )


class LoopLag:
    """The event loop's worst delay of a timer since the last scrape. Measured from the first scrape on."""

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


def router(db: Database, gateway: Gateway) -> APIRouter:
    routes, lag = APIRouter(tags=["health"]), LoopLag()
    text: Responses = {
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus text"}
    }

    @routes.get("/metrics", summary="Prometheus", response_class=Response, responses=text | errors(*KEY_ERRORS))
    async def metrics() -> Response:
        counters = await db.read(Counters.read)
        lines = [*_database_metrics(counters), *_process_metrics(db, gateway, lag)]
        return Response("\n".join(lines) + "\n", media_type=KIND)

    return routes


def _database_metrics(counters: Counters) -> Iterable[str]:
    columns: Sequence[tuple[str, str, Callable[[OfferTotals], object]]] = (
        ("prompts", "Answers that were delivered and charged", lambda each: each.prompts),
        ("input_tokens", "Input tokens of these answers", lambda each: each.input_tokens),
        ("output_tokens", "Output tokens of these answers", lambda each: each.output_tokens),
        ("allowance_tokens", "Tokens paid by plan allowances", lambda each: each.allowance_tokens),
        ("charge_usd", "Charges to wallets", lambda each: each.charge),
        ("cost_usd", "Cost of delivered answers", lambda each: each.cost),
        ("waste_usd", "Cost of attempts whose answer was not delivered", lambda each: each.waste),
    )
    for name, words, value in columns:
        pairs = (({"provider": each.provider, "model": each.model}, value(each)) for each in counters.totals)
        yield from _metric(f"farthing_{name}_total", "counter", words, pairs)
    attempts = (({"provider": each.provider, "outcome": each.outcome}, each.attempts) for each in counters.ended)
    yield from _metric("farthing_attempts_total", "counter", "Attempts by outcome", attempts)
    yield from _first_tokens(counters.ended)
    yield from _metric("farthing_open_holds", "gauge", "Open holds", [({}, counters.open_holds)])
    yield from _metric("farthing_open_incidents", "gauge", "Open incidents", [({}, counters.open_incidents)])


def _first_tokens(ended: Sequence[Outcome]) -> Iterable[str]:
    name = "farthing_first_token_seconds"
    yield f"# HELP {name} Time to the first token"
    yield f"# TYPE {name} histogram"
    for provider in sorted({each.provider for each in ended if each.first_tokens}):
        own = [each for each in ended if each.provider == provider]
        count = sum(each.first_tokens for each in own)
        for number, bound in enumerate(BUCKETS_MS):
            within = sum(each.within[number] for each in own)
            yield _sample(f"{name}_bucket", {"provider": provider, "le": f"{bound / 1000:g}"}, within)
        yield _sample(f"{name}_bucket", {"provider": provider, "le": "+Inf"}, count)
        yield _sample(f"{name}_sum", {"provider": provider}, sum(each.first_token_ms for each in own) / 1000)
        yield _sample(f"{name}_count", {"provider": provider}, count)


def _process_metrics(db: Database, gateway: Gateway, lag: LoopLag) -> Iterable[str]:
    states = [each for each in gateway.market.health.states() if gateway.market.providers[each.name].keys]
    flags = (
        ({"provider": each.name, "state": state.value}, int(each.state is state)) for each in states for state in State
    )
    yield from _metric(
        "farthing_provider_state", "gauge", "1 for the current state of a provider in this process", flags
    )
    p50s = (
        ({"provider": each.name}, each.p50_first_token_ms / 1000)
        for each in states
        if each.p50_first_token_ms is not None
    )
    yield from _metric(
        "farthing_first_token_p50_seconds", "gauge", "Recent median time to the first token in this process", p50s
    )
    singles = {
        "farthing_in_flight_answers": ("Answers in progress in this process", gateway.in_flight),
        "farthing_loop_lag_seconds": (
            "Worst delay of the event loop since the last scrape",
            f"{lag.worst_seconds():.6f}",
        ),
        "farthing_database_wal_bytes": ("Size of SQLite's write-ahead log", _wal_bytes(db)),
    }
    for name, (words, value) in singles.items():
        if value is not None:
            yield from _metric(name, "gauge", words, [({}, value)])


def _metric(name: str, kind: str, words: str, samples: Iterable[tuple[Mapping[str, str], object]]) -> Iterable[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _sample(name: str, labels: Mapping[str, str], value: object) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _wal_bytes(db: Database) -> int | None:
    """Return the size of SQLite's write-ahead log; None for PostgreSQL."""
    if db.dialect != "sqlite":
        return None
    wal = Path(db.url.removeprefix("sqlite:///") + "-wal")
    return wal.stat().st_size if wal.exists() else 0
