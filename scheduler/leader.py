"""The clock of several processes: one leads and runs the jobs, the others wait for its lease to end."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from scheduler.app import Scheduler
from scheduler.context import JobContext
from scheduler.fenced_database import FencedDatabase
from scheduler.incidents import RECOVERY
from scheduler.outage_facts import minutes_between
from storage.alerts.database_trouble import LEAST, DatabaseTrouble
from storage.database import leases
from storage.database.connection import Connection
from storage.database.leases import Lease
from storage.operations import leaders

log = logging.getLogger(__name__)
NAME = "clock"
TURN_SECONDS = 1.0
MOST_TURN_SECONDS = 15.0
"""After this time without an answer the database counts as gone."""
LAST_RUNS_SECONDS = 5.0
"""The longest wait for running jobs when the process stops."""


class Leader:
    """A component that runs the jobs while this process leads, with a database that checks its epoch.

    If the leader can't write to the database, it tells the admins without it. `lease`: that of this process, whose
    renewals write regularly.
    """

    def __init__(self, context: JobContext, seconds: Mapping[str, float], lease: Lease) -> None:
        self._context, self._seconds, self._lease = context, seconds, lease
        self._trouble: DatabaseTrouble | None = None
        self._epoch: int | None = None
        self._scheduler: Scheduler | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def leads(self) -> bool:
        return self._epoch is not None

    async def start(self) -> None:
        await self._turn()
        self._task = asyncio.create_task(self._turn_often(), name="leader of the clock")

    async def quiet(self) -> None:
        """Start no more runs; running ones continue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._scheduler is not None:
            self._scheduler.pause()

    async def stop(self) -> None:
        """Wait for the current runs, then let another process lead at once."""
        if self._scheduler is not None:
            await self._scheduler.stop(LAST_RUNS_SECONDS)
        await self._context.db.write(lambda conn: leaders.resign(conn, NAME, self._context.lease_id))

    async def _turn_often(self) -> None:
        while True:
            await asyncio.sleep(TURN_SECONDS)
            error = ""
            try:
                await self._turn()
            except Exception as failure:
                log.warning("the process that leads the clock could not be read", exc_info=True)
                error = str(failure) or type(failure).__name__
            try:
                await self._watch_database(error or self._lease.failure)
            except Exception:
                log.warning("the trouble with the database could not be reported", exc_info=True)

    async def _watch_database(self, error: str) -> None:
        """Tell the admins that the database can't be written, and store it once it can."""
        now = self._context.clock.now()
        if error:
            if self._trouble is None and self.leads:  # of several processes the one that led when it began tells it
                self._trouble = DatabaseTrouble.begun(now, error)
            if self._trouble is not None:
                await self._tell_of(self._trouble, now - self._trouble.since)
        elif self._trouble is not None:
            if self._trouble.is_due:
                recovery = {RECOVERY: {"minutes": minutes_between(self._trouble.since, now)}}
                await self._context.db.write(partial(self._trouble.store, recovery=recovery, now=now))
            self._trouble = None

    async def _tell_of(self, trouble: DatabaseTrouble, lasts: timedelta) -> None:
        if lasts < LEAST:
            return
        trouble.is_due = True
        for admin in set(self._context.notifier.admins) - trouble.told.keys():
            sent = await self._context.notifier.deliver_at_once(admin, "alert.database_gone", trouble.facts)
            if sent is not None:
                trouble.told[admin] = sent[1]

    async def _turn(self) -> None:
        """Begin to lead if the leader is dead; stop the jobs if another process leads."""
        async with asyncio.timeout(MOST_TURN_SECONDS):
            epoch = await self._context.db.write(self._lead)
        if epoch == self._epoch:
            return
        if self._scheduler is not None:
            log.warning("another process leads the clock now; this process stops its own jobs")
            await self._scheduler.stop(0)
        self._epoch, self._scheduler = epoch, None
        if epoch is not None:
            log.info("this process leads the clock (epoch %d)", epoch)
            await self._context.notifier.remember_admins()
            db = FencedDatabase(self._context.db, NAME, self._context.lease_id, epoch)
            self._scheduler = Scheduler(replace(self._context, db=db, stopping=asyncio.Event()), self._seconds)
            await self._scheduler.start()

    def _lead(self, conn: Connection) -> int | None:
        dead = leases.dead(conn, self._context.clock.now(), self._context.lease_id)
        return leaders.lead(conn, NAME, self._context.lease_id, dead)
