"""The storage, engine and settings that the jobs use."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.gateway.question import Market
from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from scheduler.ports import Notifier, StarsBook, TelegramFacts
from storage.database.database import Database
from storage.invoices.invoices import Seller
from storage.reports.caps import SpendingCaps


@dataclass(frozen=True, slots=True)
class JobContext:
    """Everything that a job may use. `take_up` and `stars` are None without a bot.

    `take_up` passes the updates of a dead process to the bot. `publishing` is held while messages about incidents are
    delivered. `stopping` is set when no more runs start: a job that sends many messages ends after the current ones.
    """

    db: Database
    market: Market
    plans: Mapping[str, Plan]
    notifier: Notifier
    clock: Clock
    lease_id: str
    per_star: Money
    payout_per_star: Money
    failures_to_open: int = 5
    reopen_seconds: float = 600
    quota_percent: tuple[int, ...] = (80, 100)
    low_wallet: Money = Money(10**9)
    backup_folder: Path | None = None
    backup_keep: int = 7
    seller: Seller = Seller()
    digest_hour: int = 7
    digest_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    take_up: Callable[[], Awaitable[int]] | None = None
    stars: StarsBook | None = None
    caps: SpendingCaps | None = None
    wallet_pays_plans: bool = False
    new_per_hour_alert: int = 20
    keep_days: int = 30
    low_balance: Money = Money(5 * 10**9)
    margin_percent: Decimal = Decimal(0)
    disk_free_mb: int = 500
    status_pages: Mapping[str, str] = field(default_factory=dict)
    telegram: TelegramFacts | None = None
    publishing: asyncio.Lock = field(default_factory=asyncio.Lock)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
