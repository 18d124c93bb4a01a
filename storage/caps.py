"""The house's own brakes: what providers may be paid in a day and in a month."""

from datetime import date

from engine.errors import HouseCapReached
from engine.money import ZERO, Money
from engine.ports import Clock
from storage import usage
from storage.connection import Connection
from storage.database import Database

FRESH_SECONDS = 2.0


class HouseCaps:
    """ports.Gate: refuses new answers, kindly, once a cap is reached. None = no cap."""

    def __init__(self, db: Database, clock: Clock, per_day: Money | None, per_month: Money | None) -> None:
        self._db, self._clock = db, clock
        self._caps = (("day", per_day), ("month", per_month))
        self._spent: dict[str, Money] = {}
        self._looked_at = float("-inf")

    async def check(self) -> None:
        """Raises HouseCapReached. The sums are looked up again every two seconds."""
        if all(cap is None for _, cap in self._caps):
            return
        await self._look()
        for per, cap in self._caps:
            if cap is not None and self._spent[per] >= cap:
                raise HouseCapReached(per)

    async def spent(self) -> dict[str, tuple[Money, Money]]:
        """Per capped span: what was spent, and the cap."""
        await self._look()
        return {per: (self._spent.get(per, ZERO), cap) for per, cap in self._caps if cap is not None}

    async def _look(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked_at < FRESH_SECONDS:
            return
        today = self._clock.now().date()
        self._spent = await self._db.read(lambda conn: _sums(conn, today))
        self._looked_at = now


def _sums(conn: Connection, today: date) -> dict[str, Money]:
    return {
        "day": usage.house_spend(conn, today, today),
        "month": usage.house_spend(conn, today.replace(day=1), today),
    }
