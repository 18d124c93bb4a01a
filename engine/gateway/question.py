"""Question: a request with all facts that its answer needs. Siblings: answers that belong together.

Market: the providers, their prices and their health, and the journal, which all attempts share.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from msgspec import Struct

from engine.attempt_record import AttemptRecord, Receipt
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model
from engine.chat import ChatRequest
from engine.completion import Completion
from engine.gateway.background_reads import BackgroundReads
from engine.gateway.hedging import Hedging
from engine.ports import AttemptObserver, CaptureStep, Clock, Journal, Provider
from engine.routing.health import Health, HealthPolicy
from engine.routing.plan import Route
from engine.tenancy import Tariff

Finisher: TypeAlias = Callable[[Completion, Receipt], Awaitable[CaptureStep]]
"""Awaited when the answer is complete or stopped; returns a step that runs in the capture's transaction."""


Approval: TypeAlias = Callable[[Model, Route, int], None]
"""Called with the tenant that pays, after its hold is stored and before the first network call.

If it raises, the request ends, and nothing is charged.
"""


@dataclass(slots=True, eq=False)
class Siblings:
    """The answers to the prompts of one request. Each waits until all are complete, so that none is charged alone."""

    number: int
    _whole: int = 0
    _error: Exception | None = None
    _decided: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        """Wait until all are complete. Raises the error of the first one that failed."""
        self._whole += 1
        if self._whole == self.number:
            self._decided.set()
        await self._decided.wait()
        if self._error is not None:
            raise self._error

    def fail(self, error: Exception) -> None:
        """Let all fail with the error of one, unless all are complete already."""
        if not self._decided.is_set():
            self._error = error
            self._decided.set()


class Question(Struct, frozen=True):
    """One request of a tenant, and the route planned for it.

    `tenant_id` pays; None: a probe at the operator's cost. `input_ceiling_tokens`: the input that the hold covers.
    `can_restart`: the reader can replace content that it has shown. `siblings`: answers that are kept together with
    this one or not at all. `member_id`: the tenant that asks, if a team or group pays. `tariff`: the tariff of the
    model; None: nothing is charged.
    """

    tenant_id: int | None
    request: ChatRequest
    route: Route
    input_ceiling_tokens: int
    finish: Finisher | None = None
    can_restart: bool = True
    siblings: Siblings | None = None
    member_id: int | None = None
    tariff: Tariff | None = None

    @property
    def asker_id(self) -> int | None:
        """The tenant that asks, whose habits the answer teaches."""
        return self.tenant_id if self.member_id is None else self.member_id


def uncancel() -> None:
    """Clear a cancellation, so that the current task can continue."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


@dataclass(frozen=True, slots=True)
class Market:
    """Everything that attempts share. One object per process."""

    catalog: Catalog
    health: Health
    providers: Mapping[str, Provider]
    journal: Journal
    clock: Clock
    policy: HealthPolicy
    background_reads: BackgroundReads = field(default_factory=BackgroundReads)
    hedging: Hedging | None = None
    delay_usd_per_second: Fraction = Fraction(0)
    bill_seconds: float = 2.0  # longest wait for the bill of an answer whose reader left after the last content
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    observers: tuple[AttemptObserver, ...] = ()

    def observe(self, attempt: AttemptRecord, finishes: tuple[str, ...] = (), operation: str = "chat") -> None:
        """Tell the observers that an attempt at `operation` has ended. `finishes`: the finish of each choice."""
        for observer in self.observers:
            observer.attempt_ended(attempt, finishes, operation)
