"""Rows as SQLModel declares them: for migrations and admin. Hot units speak SQL to the same tables.

Money is whole nano-dollars, times are whole milliseconds since 1970 UTC, ids and both in 64 bits.
"""

from sqlmodel import SQLModel

from storage.tables import answers, books, ledger, telegram, tenants

metadata = SQLModel.metadata
__all__ = ["answers", "books", "ledger", "metadata", "telegram", "tenants"]
