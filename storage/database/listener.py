"""Notifications of PostgreSQL as an iterator. They only wake the reader: a lost one delays it until the next poll."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg

log = logging.getLogger(__name__)
RECONNECT_SECONDS = 5.0


async def rings(url: str, channel: str, poll_seconds: float) -> AsyncIterator[None]:
    """Yield at each notification, and at least every `poll_seconds`, even while no connection can be made."""
    while True:
        try:
            conn = await psycopg.AsyncConnection.connect(url, autocommit=True, keepalives_idle=10, connect_timeout=10)
        except psycopg.Error as error:
            log.debug("no connection to listen on %s: %s", channel, error)
            async for _ in _ticks(poll_seconds):
                yield
            continue
        try:
            await conn.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
            while True:
                yield
                async for _ in conn.notifies(timeout=poll_seconds, stop_after=1):
                    pass
        except psycopg.Error as error:
            log.info("the connection that listens on %s was lost: %s", channel, error)
        finally:
            with suppress(psycopg.Error):
                await conn.close()


async def _ticks(seconds: float) -> AsyncIterator[None]:
    """Yield every `seconds` until it is time to connect again."""
    for _ in range(max(1, round(RECONNECT_SECONDS / seconds))):
        yield
        await asyncio.sleep(seconds)
