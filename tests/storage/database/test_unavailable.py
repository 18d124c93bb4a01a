import sqlite3

import psycopg
import pytest
from psycopg import errors

from storage.database.unavailable import is_unavailable


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        psycopg.OperationalError("connection refused"),
        errors.TooManyConnections("sorry, too many clients already"),
        errors.DiskFull("could not extend file"),
        errors.LockNotAvailable("canceling statement due to lock timeout"),
    ],
)
def test_errors_of_the_whole_database(error: Exception) -> None:
    assert is_unavailable(error)


@pytest.mark.parametrize(
    "error", [ValueError("x"), sqlite3.IntegrityError("UNIQUE"), errors.UniqueViolation("x"), errors.SyntaxError("x")]
)
def test_errors_of_one_unit(error: Exception) -> None:
    assert not is_unavailable(error)
