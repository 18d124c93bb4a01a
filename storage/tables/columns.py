"""The few kinds of columns that there are."""

from typing import Any

from sqlalchemy import BigInteger, Integer
from sqlmodel import Field

# SQLite numbers rows by itself only where the key is an INTEGER; there that has 64 bits.
Big = BigInteger().with_variant(Integer, "sqlite")


def big(default: Any = ..., **more: Any) -> Any:
    """A 64-bit number; SQLModel's int has 32 bits on PostgreSQL, which is $2.15."""
    if default is not ...:
        more["default"] = default
    if isinstance(default, int):
        more.setdefault("sa_column_kwargs", {})["server_default"] = str(default)
    return Field(sa_type=Big, **more)


def number() -> Any:
    """A row's own number, given by the database."""
    return Field(default=None, sa_type=Big, primary_key=True)
