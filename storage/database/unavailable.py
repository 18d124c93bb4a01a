"""Errors of the database as a whole: gone, full, read-only or overloaded. The same unit may succeed later."""

import sqlite3
import sys

_PRIMARY = 0xFF
_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether the driver reports, here or as the cause, that the database could not be reached or written."""
    if error is None:
        return False
    if isinstance(error, sqlite3.OperationalError):  # a missing table is one, too
        return (getattr(error, "sqlite_errorcode", 0) & _PRIMARY) in _SQLITE
    psycopg = sys.modules.get("psycopg")  # not loaded beside SQLite
    if psycopg is not None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return True
    return is_unavailable(error.__cause__)
