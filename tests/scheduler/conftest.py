"""Fixtures: a job context over a real database, a manual clock, a recording notifier, journaled attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, cast

import pytest

import locales
from bot.notify import translated
from engine.attempt_record import ANSWERED
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Usage
from engine.gateway.question import Market
from engine.money import Money
from engine.ports import Provider
from engine.routing.health import Health, HealthPolicy
from engine.tenancy import Flat, Plan
from locales.button import Button
from scheduler.context import JobContext
from scheduler.ports import Sent
from storage.alerts.admin_notices import Undelivered
from storage.database.database import Database
from storage.ledger.journal import SqlJournal
from storage.reports.usage import UsageSpan
from tests.builders import attempt, journaled, spent
from tests.storage.conftest import db, postgres_server, postgres_template, sqlite_template, url

__all__ = ["db", "postgres_server", "postgres_template", "sqlite_template", "url"]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = ("deepseek", "gemini", "openai")
PRICES = {"deepseek/m": ("0.10", "0.20"), "gemini/m": ("0.20", "0.40"), "openai/m": ("2", "8")}
ADMIN = 9001


@dataclass
class HandClock:
    """A clock moved by hand. `wrong_by`: how far its time of day is ahead."""

    at: datetime = NOW
    wrong_by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.at + self.wrong_by

    def monotonic(self) -> float:
        return self.at.timestamp()

    def move(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.now()


@dataclass
class SentMessage:
    """A message in its current form, after its edits."""

    text: str
    reply_to: Sent | None = None
    edits: int = 0
    buttons: Sequence[Button] = ()
    chart: UsageSpan | None = None


@dataclass
class Notifications:
    """A Notifier that records its messages. There is one admin, who reads English."""

    messages: dict[Sent, SentMessage] = field(default_factory=dict)

    async def notify(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None:
        return self._record(user_id, SentMessage(_text(key, values), buttons=buttons))

    admins: tuple[int, ...] = (ADMIN,)
    is_offline: bool = False

    async def deliver(
        self,
        user_id: int,
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
        *,
        reply_to: int | None = None,
        chart: UsageSpan | None = None,
    ) -> Sent | Undelivered:
        if self.is_offline:
            return Undelivered.UNREACHABLE
        told = None if reply_to is None else (user_id, reply_to)
        return self._record(user_id, SentMessage(_text(key, values), told, buttons=buttons, chart=chart))

    async def deliver_at_once(self, admin: int, key: str, values: Mapping[str, object]) -> Sent | None:
        return None if self.is_offline else self._record(admin, SentMessage(_text(key, values)))

    async def remember_admins(self) -> None: ...

    async def edit(self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> bool:
        if self.is_offline:
            return False
        message = self.messages[sent]
        message.text, message.edits, message.buttons = _text(key, values), message.edits + 1, buttons
        return True

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages.values()]

    def _record(self, chat: int, message: SentMessage) -> Sent:
        sent = (chat, len(self.messages) + 1)
        self.messages[sent] = message
        return sent


def _text(key: str, values: Mapping[str, object]) -> str:
    return locales.text("en", key, **{name: translated("en", value) for name, value in values.items()})


@dataclass(frozen=True)
class StandInProvider:
    """The attributes of a provider that the jobs read."""

    name: str
    keys: int = 1


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def notifier() -> Notifications:
    return Notifications()


@pytest.fixture
def context(db: Database, clock: HandClock, notifier: Notifications) -> JobContext:
    return context_over(db, clock, notifier)


STAR = Money(13_000_000)


def context_over(db: Database, clock: HandClock, notifier: Notifications) -> JobContext:
    providers = {name: StandInProvider(name) for name in NAMES}
    book = PriceBook({name: flat_price(*price) for name, price in PRICES.items()})
    offers = tuple(Offer(name, "m") for name in NAMES)
    catalog = Catalog(
        models={"auto": Model("auto", offers, Flat(5 * 10**12))},
        book=book,
        configured=lambda name: name in providers,
        named_markup=Fraction(2),
    )
    health = Health(HealthPolicy(), clock, dict.fromkeys(NAMES, 1))
    market = Market(catalog, health, cast("Mapping[str, Provider]", providers), SqlJournal(db), clock, HealthPolicy())
    plans = {
        "free": Plan(
            name="free", usd_per_month=Money(0), tokens_per_month=1000, requests_per_minute=6, max_output_tokens=1024
        )
    }
    return JobContext(db, market, plans, notifier, clock, "L", per_star=STAR, payout_per_star=STAR)


@dataclass
class Journal:
    """Journals attempts like the gateway. Each begins 0.1 s after the one before, and takes 50 ms."""

    db: Database
    clock: HandClock
    number: int = 0

    async def failed(
        self,
        provider: str,
        outcome: str = "overloaded",
        times: int = 1,
        status: int | None = 503,
        *,
        model: str = "m",
        cut_after_ms: int | None = None,
    ) -> None:
        """Journal failed attempts. `cut_after_ms`: the time between the first token and the failure."""
        for _ in range(times):
            await self._write(
                provider,
                outcome,
                status=status,
                model=model,
                first_token_ms=None if cut_after_ms is None else 20,
                duration_ms=50 if cut_after_ms is None else 20 + cut_after_ms,
            )

    async def answered(
        self,
        provider: str,
        times: int = 1,
        *,
        nanousd: int = 5_000_000,
        model: str = "m",
        duration_ms: int = 50,
        began_seconds_ago: float | None = None,
    ) -> None:
        """Journal kept answers with a first token after 20 ms.

        Each costs a million nano-dollars and charges `nanousd`.
        """
        for _ in range(times):
            await self._write(
                provider,
                ANSWERED,
                kept=True,
                nanousd=nanousd,
                model=model,
                duration_ms=duration_ms,
                began_seconds_ago=began_seconds_ago,
            )

    async def _write(
        self,
        provider: str,
        outcome: str,
        *,
        model: str,
        kept: bool = False,
        status: int | None = None,
        nanousd: int = 0,
        first_token_ms: int | None = None,
        duration_ms: int = 50,
        began_seconds_ago: float | None = None,
    ) -> None:
        self.number += 1
        common: dict[str, Any] = {
            "request_id": f"r{self.number}",
            "provider": provider,
            "model": model if provider != "none" else "",
            "status": status,
            "duration_ms": duration_ms,
            "first_token_ms": 20 if kept else first_token_ms,
        }
        at = self.clock.move(seconds=0.1) if began_seconds_ago is None else self.clock.now()
        at -= timedelta(seconds=began_seconds_ago or 0)
        if kept:
            common |= {"usage": Usage(1000, 500), "cost": Money(1_000_000)}
            await self.db.write(spent(1, Money(nanousd), at, outcome=outcome, **common))
        else:
            await self.db.write(journaled(attempt(outcome=outcome, started_at=at, kept=False, **common)))


@pytest.fixture
def journal(db: Database, clock: HandClock) -> Journal:
    return Journal(db, clock)


def capped(context: JobContext, usd: str) -> JobContext:
    """Return a context whose `auto` charges 1 USD per 1M tokens and may lose `usd` a day."""
    catalog = context.market.catalog
    auto = replace(catalog.models["auto"], max_loss_per_day=Money.usd(usd), tariff=Flat(10**12))
    return replace(context, market=replace(context.market, catalog=replace(catalog, models={"auto": auto})))
