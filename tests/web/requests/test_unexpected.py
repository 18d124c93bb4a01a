import logging
import sqlite3

import pytest

from storage.database import watermarks
from storage.database.connection import Connection
from tests.web.conftest import RunningApi
from web.errors import SERVER_ERROR
from web.requests.unexpected import DATABASE_UNAVAILABLE, unexpected

PROMPT = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 64}


def test_error_of_the_database_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    error = sqlite3.OperationalError("disk full\nmore")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert unexpected(error, "r1") is DATABASE_UNAVAILABLE
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info) == ("request r1 failed: the database: disk full", None)


def test_any_other_error_is_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    assert unexpected(ValueError("x"), "r2") is SERVER_ERROR
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None


@pytest.mark.parametrize("stream", [False, True])
async def test_full_disk_is_told_and_passes(api: RunningApi, *, stream: bool) -> None:
    db, key = api.container.db, await api.make_key()

    def fill(conn: Connection) -> None:
        conn.rows("PRAGMA max_page_count = 1")  # the size that it has now
        watermarks.write(conn, "filling", "x" * 1_000_000)

    with pytest.raises(sqlite3.OperationalError, match="full"):
        await db.write(fill)
    async with api.http(key) as http:
        refused = await http.post("/v1/chat/completions", json={**PROMPT, "stream": stream})
        for _ in range(40):  # the last free pages are used up first
            if refused.status_code != 200:
                break
            refused = await http.post("/v1/chat/completions", json={**PROMPT, "stream": stream})
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "database_unavailable"
        assert refused.headers["retry-after"] == "10"
        await db.write(lambda conn: conn.rows("PRAGMA max_page_count = 1000000"))
        assert (await http.post("/v1/chat/completions", json=PROMPT)).status_code == 200
