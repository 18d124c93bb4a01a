"""Each model's loss today: cost and waste, less wallet charges and the price of the allowance tokens used."""

from collections import defaultdict

from engine.money import ZERO, Money
from engine.ports import Clock
from storage.database.connection import Connection, day_of
from storage.database.database import Database

FRESH_SECONDS = 1.0
RECOUNT_SECONDS = 60.0


class SqlLosses:
    """The losses of the current UTC day, cached because they are read before each answer.

    At most once a second the new attempts are added. Once a minute the whole day is summed up again, because PostgreSQL
    may commit rows in another order than their ids.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._lost: defaultdict[str, Money] = defaultdict(lambda: ZERO)
        self._day = self._last_id = 0
        self._read_at = self._recounted_at = float("-inf")

    async def lost_today(self, model: str) -> Money:
        """Return the loss of a model, named as tenants request it; a profit is negative."""
        await self._refresh()
        return self._lost[model]

    async def _refresh(self) -> None:
        now, day = self._clock.monotonic(), day_of(self._clock.now())
        if now - self._read_at < FRESH_SECONDS and day == self._day:
            return
        recount = day != self._day or now - self._recounted_at >= RECOUNT_SECONDS
        after = 0 if recount else self._last_id
        self._read_at = now  # before the await, so that a concurrent call doesn't add the same attempts again
        sums, last_id = await self._db.read(lambda conn: lost_since(conn, day, after))
        if recount:
            self._lost.clear()
            self._day, self._recounted_at, self._last_id = day, now, 0
        for model, lost in sums.items():
            self._lost[model] += lost
        self._last_id = max(self._last_id, last_id)


def lost_since(conn: Connection, day: int, after: int = 0) -> tuple[dict[str, Money], int]:
    """Return the loss per model of the day's attempts with an id above `after`, and the last of these ids.

    `day` is a number such as 20261125.
    """
    rows = conn.rows(
        "SELECT asked, SUM(cost_nanousd - charge_nanousd - allowance_nanousd) AS lost, MAX(id) AS last FROM attempts"
        " WHERE day = :day AND id > :after GROUP BY asked",
        day=day,
        after=after,
    )
    last = max((found["last"] for found in rows), default=after)
    return {found["asked"]: Money(int(found["lost"])) for found in rows}, int(last)
