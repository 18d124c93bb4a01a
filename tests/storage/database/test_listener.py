import asyncio
import uuid

import psycopg
import pytest

from storage.database import listener
from storage.database.listener import rings
from tests.storage.conftest import Server


async def test_notification_rings_at_once_and_a_lost_connection_is_replaced(
    postgres_server: Server, postgres_template: str
) -> None:
    url = postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)
    bells = rings(url, "bell", 30.0)
    await anext(bells)
    with psycopg.connect(url, autocommit=True) as conn:
        for cut in (False, True):
            waiting = asyncio.ensure_future(anext(bells))
            await asyncio.sleep(0.05)
            if cut:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            else:
                conn.execute("NOTIFY bell")
            await asyncio.wait_for(waiting, 60)
    await bells.aclose()  # type: ignore[attr-defined]


async def test_polls_go_on_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "RECONNECT_SECONDS", 0.03)
    bells = rings("postgresql://postgres@/none?host=/nowhere", "bell", 0.01)
    for _ in range(7):
        await anext(bells)
    await bells.aclose()  # type: ignore[attr-defined]
