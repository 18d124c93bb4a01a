"""Market: the providers, their prices and their health, and the journal of attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from engine.catalog.catalog import Catalog
from engine.catalog.offers import Drop, Quote
from engine.gateway.background_reads import BackgroundReads
from engine.gateway.hedging import Hedging
from engine.ports import Clock, Journal, Provider
from engine.routing.health import Health, HealthPolicy
from engine.routing.plan import Route, plan


@dataclass(frozen=True, slots=True)
class Market:
    """Everything that attempts share: one per process."""

    catalog: Catalog
    health: Health
    providers: Mapping[str, Provider]
    journal: Journal
    clock: Clock
    policy: HealthPolicy
    background_reads: BackgroundReads = field(default_factory=BackgroundReads)
    hedging: Hedging | None = None
    delay_usd_per_second: Fraction = Fraction(0)

    def plan(self, quotes: Sequence[Quote], drops: Sequence[Drop] = ()) -> Route:
        """Order `quotes` by the health of their offers at this moment."""
        return plan(quotes, drops, self.health.status, self.delay_usd_per_second)
