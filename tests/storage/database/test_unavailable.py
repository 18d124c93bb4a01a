import sqlite3

import psycopg
import pytest
from psycopg import errors

from storage.database.unavailable import is_unavailable


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code  # as the driver sets it
    return error


def caused(error: Exception) -> Exception:
    outer = ValueError("a library's own error")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    "error",
    [
        sqlite_error(sqlite3.SQLITE_FULL),
        sqlite_error(sqlite3.SQLITE_IOERR_WRITE),
        caused(sqlite_error(sqlite3.SQLITE_READONLY)),
        psycopg.InterfaceError("the connection is closed"),
        psycopg.OperationalError("connection refused"),
        errors.TooManyConnections("sorry, too many clients already"),
        errors.DiskFull("could not extend file"),
        errors.LockNotAvailable("canceling statement due to lock timeout"),
    ],
)
def test_errors_of_the_whole_database(error: Exception) -> None:
    assert is_unavailable(error)


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("x"),
        sqlite3.IntegrityError("UNIQUE"),
        sqlite_error(sqlite3.SQLITE_ERROR),
        errors.UniqueViolation("x"),
        errors.UndefinedTable("x"),
        caused(errors.SyntaxError("x")),
    ],
)
def test_errors_of_one_unit(error: Exception) -> None:
    assert not is_unavailable(error)
