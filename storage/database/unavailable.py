"""Errors of the database as a whole: gone, full, read-only or overloaded. The same unit may succeed later."""

import sqlite3
import sys


def is_unavailable(error: BaseException) -> bool:
    """Return whether the driver reports that the database could not be reached or written."""
    psycopg = sys.modules.get("psycopg")  # not loaded beside SQLite
    kinds = (sqlite3.OperationalError, *((psycopg.OperationalError,) if psycopg is not None else ()))
    return isinstance(error, kinds)
