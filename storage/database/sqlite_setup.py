"""The connections to a SQLite file: their pragmas, and the version of the library."""

import functools
import logging
import sqlite3

log = logging.getLogger(__name__)

BUSY_SECONDS = 10.0
SAFE_VERSION = (3, 51, 3)  # older versions can corrupt the WAL when two connections write at once
STATEMENTS_CACHED = 512
PRAGMAS = ("foreign_keys = ON", f"busy_timeout = {int(BUSY_SECONDS * 1000)}")
# Under load the same few hundred pages are written repeatedly. A WAL of up to 64 MB is copied back less often, which
# keeps ten million entries nearly as fast as ten thousand.
WRITER_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 16000", "cache_size = -4096")
READER_PRAGMAS = ("query_only = ON", "wal_autocheckpoint = 0", "cache_size = -1024")


def connect(path: str, *, writer: bool, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open a connection in autocommit mode, without implicit transactions; a reader's is query-only."""
    raw = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    try:
        for pragma in (*PRAGMAS, *(WRITER_PRAGMAS if writer else READER_PRAGMAS)):
            raw.execute(f"PRAGMA {pragma}")
        if busy_seconds != BUSY_SECONDS:
            raw.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
    except BaseException:
        raw.close()
        raise
    return raw


@functools.cache
def warn_if_old() -> None:
    """Log once per process that this SQLite version has the WAL-reset bug. Writing on one connection avoids it."""
    if sqlite3.sqlite_version_info < SAFE_VERSION:
        log.info(
            "SQLite %s has the WAL-reset bug fixed in 3.51.3; Farthing writes through one connection, which avoids it",
            sqlite3.sqlite_version,
        )
