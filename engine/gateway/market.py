"""Market: the providers, their prices and their health, and the journal of attempts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from engine.attempt_record import AttemptRecord
from engine.catalog.catalog import Catalog
from engine.gateway.background_reads import BackgroundReads
from engine.gateway.hedging import Hedging
from engine.ports import AttemptObserver, Clock, Journal, Provider
from engine.routing.health import Health, HealthPolicy


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
