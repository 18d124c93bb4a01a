"""The house's own brakes: what providers may be paid in a day and in a month."""

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
    """`per` is day or month; `key` names the very one, as `day:2026-11-25`."""

    per: str
    key: str
    spent: Money
    most: Money

    @property
    def percent(self) -> int:
        return 100 if not self.most else self.spent.nanousd * 100 // self.most.nanousd


class SpendingCaps:
    """ports.Gate: refuses new answers, kindly, once a cap is reached. None = no cap."""

    def __init__(self, db: Database, clock: Clock, per_day: Money | None, per_month: Money | None) -> None:
        self._db, self._clock = db, clock
        self._most = {"day": per_day, "month": per_month}
        self._spent: dict[str, Money] = {}
        self._looked_at = float("-inf")
        self._today = date.min
        self._before_today = ZERO

    @property
    def is_set(self) -> bool:
        """True where at least one period has a cap."""
        return any(most is not None for most in self._most.values())

    async def check(self) -> None:
        """Raises SpendingCapReached. The sums are looked up again every two seconds."""
        if not self.is_set:
            return
        await self._look()
        for per, most in self._most.items():
            if most is not None and self._spent[per] >= most:
                raise SpendingCapReached(per)

    async def caps(self) -> list[SpendingCap]:
        """Those that are set, as they stand."""
        if not self.is_set:
            return []
        await self._look()
        keys = {"day": f"day:{self._today}", "month": f"month:{self._today:%Y-%m}"}
        return [
            SpendingCap(per, keys[per], self._spent.get(per, ZERO), most)
            for per, most in self._most.items()
            if most is not None
        ]

    async def _look(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked_at < FRESH_SECONDS:
            return
        today = self._clock.now().date()
        if today != self._today:
            self._before_today = await self._db.read(lambda conn: _before(conn, today))
            self._today = today
        spent = await self._db.read(lambda conn: usage.provider_spend(conn, today, today))
        self._spent = {"day": spent, "month": self._before_today + spent}
        self._looked_at = now


def _before(conn: Connection, today: date) -> Money:
    """This month's days that are over: looked up once a day."""
    if today.day == 1:
        return ZERO
    return usage.provider_spend(conn, today.replace(day=1), today.replace(day=today.day - 1))
