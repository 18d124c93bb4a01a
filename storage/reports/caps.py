"""The operator's spending caps: the most that providers may cost in a day and in a month."""

from dataclasses import dataclass
from datetime import date

from engine.errors import SpendingCapReached
from engine.money import ZERO, Money
from engine.ports import Clock
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports import usage

FRESH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SpendingCap:
    """A configured cap with the spending so far. `period`: day or month; `key`: its name, such as `day:2026-11-25`."""

    period: str
    key: str
    spent: Money
    limit: Money

    @property
    def percent(self) -> int:
        """The part of the limit that is spent, in percent, rounded down; 100 for a limit of zero."""
        return 100 if not self.limit else self.spent.nanousd * 100 // self.limit.nanousd


class SpendingCaps:
    """An admission check that refuses new answers once a cap is reached. None: no cap."""

    def __init__(self, db: Database, clock: Clock, per_day: Money | None, per_month: Money | None) -> None:
        self._db, self._clock = db, clock
        self._limits = {"day": per_day, "month": per_month}
        self._spent: dict[str, Money] = {}
        self._read_at = float("-inf")
        self._today = date.min
        self._before_today = ZERO

    @property
    def is_set(self) -> bool:
        """True if at least one period has a cap."""
        return any(limit is not None for limit in self._limits.values())

    async def check(self) -> None:
        """Raise SpendingCapReached if a cap is reached. The sums may be up to FRESH_SECONDS old."""
        if not self.is_set:
            return
        await self._refresh()
        for period, limit in self._limits.items():
            if limit is not None and self._spent[period] >= limit:
                raise SpendingCapReached(period)

    async def caps(self) -> list[SpendingCap]:
        """Return the configured caps with the current spending."""
        if not self.is_set:
            return []
        await self._refresh()
        keys = {"day": f"day:{self._today}", "month": f"month:{self._today:%Y-%m}"}
        return [
            SpendingCap(period, keys[period], self._spent[period], limit)
            for period, limit in self._limits.items()
            if limit is not None
        ]

    async def _refresh(self) -> None:
        now = self._clock.monotonic()
        if now - self._read_at < FRESH_SECONDS:
            return
        today = self._clock.now().date()
        if today != self._today:
            self._before_today = await self._db.read(lambda conn: _spent_before(conn, today))
            self._today = today
        spent = await self._db.read(lambda conn: usage.provider_spend(conn, today, today))
        self._spent = {"day": spent, "month": self._before_today + spent}
        self._read_at = now


def _spent_before(conn: Connection, today: date) -> Money:
    """Return the spending of this month's earlier days, which no longer changes."""
    if today.day == 1:
        return ZERO
    return usage.provider_spend(conn, today.replace(day=1), today.replace(day=today.day - 1))
