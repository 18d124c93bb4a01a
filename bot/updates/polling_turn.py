"""The turn to poll: of all processes on one PostgreSQL database, one polls Telegram, and another can take over.

Telegram ends a poll when another begins, so two pollers of one bot would interrupt each other.
"""

import logging
from datetime import datetime, timedelta

from engine.ports import Clock
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import leaders
from storage.telegram import poller_conflicts

log = logging.getLogger(__name__)
NAME = "polling"
TURN_SECONDS = 1.0
"""The seconds after which a waiting process looks again whether it has the turn."""
HANDOVER = timedelta(seconds=40)
"""The time after a change of the polling process in which the last poll of the former one may cause a conflict."""


class PollingTurn:
    """The turn of one process. It is checked before each poll, because a process that was frozen may have lost it."""

    def __init__(self, db: Database, lease_id: str, clock: Clock) -> None:
        self._db, self._lease_id, self._clock = db, lease_id, clock
        self._epoch: int | None = None
        self._since: datetime | None = None

    async def is_mine(self) -> bool:
        """Take the turn if no running process has it. Return whether this process has it now."""
        epoch = await self._db.write(self._take)
        if epoch != self._epoch:
            log.info("this process polls Telegram" if epoch is not None else "another process polls Telegram now")
            self._epoch, self._since = epoch, self._clock.now()
        return epoch is not None

    async def resign(self) -> None:
        """Give up the turn, so that another process can poll at once."""
        self._epoch = None
        await self._db.write(lambda conn: leaders.resign(conn, NAME, self._lease_id))

    async def is_foreign_conflict(self) -> bool:
        """Return whether a conflict comes from a process with another database; store that for the self-checks."""
        if not await self.is_mine() or self._since is None or self._clock.now() - self._since < HANDOVER:
            return False
        await self._db.write(lambda conn: poller_conflicts.note(conn, self._clock.now()))
        return True

    def _take(self, conn: Connection) -> int | None:
        dead = leases.dead(conn, self._clock.now(), self._lease_id)
        return leaders.lead(conn, NAME, self._lease_id, dead)
