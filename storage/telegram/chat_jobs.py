"""Chats with waiting updates as jobs of Procrastinate, on PostgreSQL: any replica may take the next chat.

A job only wakes a worker. The inbox decides which update is next and whether it may be claimed; the job's lock (the
chat) keeps a second replica from working on the same chat.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, cast

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from storage.database.connection import Connection
from storage.database.postgres import PostgresConnection

log = logging.getLogger(__name__)
logging.getLogger("procrastinate").setLevel(logging.WARNING)  # it logs the begin and end of each job

QUEUE, TASK = "chats", "farthing.drain"
POLL_SECONDS, HEARTBEAT_SECONDS, STALLED_SECONDS = 0.25, 2.0, 10.0
AT_ONCE = 200
GRACE_SECONDS = 30.0
RESTART_SECONDS = 1.0
CONNECTIONS = 3
Work = Callable[[str], Awaitable[None]]


class _ChatWorker(Worker):
    """A worker whose finished job may have been deleted by another replica: see `ChatJobs.free`."""

    async def _persist_job_status(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super()._persist_job_status(*args, **kwargs)
        except ConnectorException as error:
            if not isinstance(error.__cause__, psycopg.errors.RaiseException):
                log.warning("the end of a job of chats could not be stored: %s", error.__cause__)


class ChatJobs:
    """A ChatQueue over PostgreSQL, and the worker of this process. Jobs are stored by the caller's transaction."""

    def __init__(self, url: str, *, listens: bool = True) -> None:
        """`listens` False: only poll, as needed behind a connection pooler."""
        self._listens = listens
        self._storing = App(connector=SyncPsycopgConnector(conninfo=url))  # never opened: it uses our connections
        unnamed = {"prepare_threshold": None}  # a pooler in transaction mode knows no prepared statements
        connector = PsycopgConnector(conninfo=url, min_size=1, max_size=CONNECTIONS, timeout=10, kwargs=unnamed)
        self._app = App(connector=connector)
        self._app.task(name=TASK, queue=QUEUE)(self._drain)
        self._work: Work | None = None
        self._worker: Worker | None = None
        self._running: asyncio.Task[None] | None = None
        self._is_open = True

    def enqueue(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Store one job for each chat, unless a job for it is waiting already."""
        raw = cast(PostgresConnection, conn).raw
        for chat_key in dict.fromkeys(chat_keys):
            with suppress(AlreadyEnqueued), raw.transaction():  # within our transaction this is a savepoint
                self._storing.configure_task(
                    TASK, queue=QUEUE, lock=chat_key, queueing_lock=chat_key, connection=raw
                ).defer(chat_key=chat_key)

    def free(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Delete the running jobs of dead workers, whose lock would block the next job of the chat."""
        sql = "DELETE FROM procrastinate_jobs WHERE status = 'doing' AND queue_name = :queue AND lock = :chat"
        for chat_key in chat_keys:
            conn.run(sql, queue=QUEUE, chat=chat_key)

    def committed(self, chat_keys: Iterable[str]) -> None:
        """Do nothing: PostgreSQL notifies the workers."""

    async def start(self, work: Work) -> None:
        """Open the connections and run the worker. Raises OSError if the database can't be reached."""
        self._work = work
        try:
            await self._app.open_async()
        except (ConnectorException, psycopg.Error) as error:
            raise OSError(f"the jobs of chats can't be reached: {error}") from error
        self._running = asyncio.create_task(self._run(), name="chat jobs")

    def close(self) -> None:
        """Take no more jobs."""
        self._is_open = False
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Wait for the running jobs, then close the connections."""
        self.close()
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        await self._app.close_async()

    async def _run(self) -> None:
        """Run the worker; restart it after a failure, such as a lost database or a row that another replica deleted."""
        rescue = asyncio.create_task(self._rescue_often(), name="rescue of chat jobs")
        try:
            while self._is_open:
                self._worker = self._new_worker()
                try:
                    await self._worker.run()  # type: ignore[no-untyped-call]
                except Exception:  # an exception of the driver, or of Procrastinate itself
                    log.warning("the worker of chats failed and starts again", exc_info=True)
                if self._is_open:
                    await asyncio.sleep(RESTART_SECONDS)
        finally:
            rescue.cancel()
            await asyncio.gather(rescue, return_exceptions=True)

    def _new_worker(self) -> Worker:
        return _ChatWorker(
            self._app,
            queues=[QUEUE],
            concurrency=AT_ONCE,
            fetch_job_polling_interval=POLL_SECONDS,
            listen_notify=self._listens,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            shutdown_graceful_timeout=GRACE_SECONDS,
        )

    async def _rescue_often(self) -> None:
        while True:
            await asyncio.sleep(STALLED_SECONDS / 2)
            try:
                await self.rescue()
            except Exception:
                log.warning("the jobs of dead workers could not be deleted", exc_info=True)

    async def rescue(self) -> int:
        """Delete the jobs of dead workers, and return their number. Their updates remain in the inbox."""
        manager = self._app.job_manager
        stalled = list(await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS))
        for job in stalled:
            with suppress(ConnectorException):  # another replica has done it first
                await manager.finish_job(job=job, status=Status.ABORTED, delete_job=True)
        await manager.prune_stalled_workers(STALLED_SECONDS)
        return len(stalled)

    async def _drain(self, chat_key: str) -> None:
        assert self._work is not None
        await self._work(chat_key)
