"""Table declarations (SQLModel), used by the migrations. The units of work use SQL on the same tables.

Money is in whole nano-dollars, times are in whole milliseconds since 1970 UTC; these and ids have 64 bits.
"""

from sqlmodel import SQLModel

from storage.tables import (
    alerts,
    answers,
    app_access,
    books,
    groups,
    ledger,
    operators,
    questions,
    replicas,
    schedules,
    telegram,
    tenants,
)

metadata = SQLModel.metadata
__all__ = [
    "alerts",
    "answers",
    "app_access",
    "books",
    "groups",
    "ledger",
    "metadata",
    "operators",
    "questions",
    "replicas",
    "schedules",
    "telegram",
    "tenants",
]
