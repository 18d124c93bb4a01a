"""Desk: what the jobs work with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from engine.trial import Market
from scheduler.ports import Notifier
from storage.database import Database
from storage.invoices import Seller


@dataclass(frozen=True, slots=True)
class Desk:
    """`take_up` hands the bot what another process's death has left."""

    db: Database
    market: Market
    plans: Mapping[str, Plan]
    notifier: Notifier
    clock: Clock
    lease_id: str
    failures_to_open: int = 5
    reopen_seconds: float = 600
    quota_percent: tuple[int, ...] = (80, 100)
    low_wallet: Money = Money(10**9)
    payout_per_star: Money = Money(13_000_000)
    seller: Seller = Seller()
    digest_hour_utc: int = 7
    take_up: Callable[[], Awaitable[int]] | None = None
