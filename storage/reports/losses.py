"""What a model has lost today: cost and waste, less charges and what allowance tokens were sold for."""

from collections import defaultdict

from engine.money import ZERO, Money
from engine.ports import Clock
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger.holds import day_of

FRESH_SECONDS = 1.0
RECOUNT_SECONDS = 60.0


class SqlLosses:
    """Asked before each answer, so it reads only what is new since it last looked, at most once a second.

    Every minute it counts the day anew: on PostgreSQL rows may commit in another order than they are numbered.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._lost: defaultdict[str, Money] = defaultdict(lambda: ZERO)
        self._day = self._seen = 0
        self._looked_at = self._counted_at = float("-inf")

    async def lost_today(self, model: str) -> Money:
        """Of the UTC day, for the name that tenants ask for; negative where the model has earned."""
        await self._look()
        return self._lost[model]

    async def _look(self) -> None:
        now, day = self._clock.monotonic(), day_of(self._clock.now())
        if now - self._looked_at < FRESH_SECONDS and day == self._day:
            return
        anew = day != self._day or now - self._counted_at >= RECOUNT_SECONDS
        after = 0 if anew else self._seen
        self._looked_at = now  # whoever asks meanwhile is answered from what is known: nothing is added twice
        sums, seen = await self._db.read(lambda conn: lost_since(conn, day, after))
        if anew:
            self._lost.clear()
            self._day, self._counted_at, self._seen = day, now, 0
        for model, lost in sums.items():
            self._lost[model] += lost
        self._seen = max(self._seen, seen)


def lost_since(conn: Connection, day: int, after: int = 0) -> tuple[dict[str, Money], int]:
    """Per model asked for, what the day's attempts numbered above `after` lost; and the last number."""
    rows = conn.rows(
        "SELECT asked, SUM(cost_nanousd - charge_nanousd - allowance_nanousd) AS lost, MAX(id) AS last FROM attempts"
        " WHERE day = :day AND id > :after GROUP BY asked",
        day=day,
        after=after,
    )
    last = max((found["last"] for found in rows), default=after)
    return {found["asked"]: Money(int(found["lost"])) for found in rows}, int(last)
