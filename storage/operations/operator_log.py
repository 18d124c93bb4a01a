"""The log of operators' actions: the operator, the action, the tenant and the time. Entries are only added."""

from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, moment, ms

ADMIN_KEY = 0
"""Logged in place of a name for a caller with the ADMIN_API_KEY."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator. `user` is the Telegram id, or ADMIN_KEY for a call over HTTP."""

    user: int
    name: str


BY_KEY = Operator(ADMIN_KEY, "")


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One entry. `action` is its name, such as `credit`; `detail` contains its numbers and names, in English."""

    id: int
    at: datetime
    by: Operator
    action: str
    tenant_id: int | None
    detail: str


def record(
    conn: Connection, by: Operator, action: str, now: datetime, *, tenant: int | None = None, detail: str = ""
) -> None:
    """Add an entry, in the transaction of the action itself."""
    conn.run(
        "INSERT INTO operator_actions (at, by_user, by_name, action, tenant_id, detail)"
        " VALUES (:at, :user, :name, :action, :tenant, :detail)",
        at=ms(now),
        user=by.user,
        name=by.name,
        action=action,
        tenant=tenant,
        detail=detail,
    )


def latest(conn: Connection, limit: int, tenant: int | None = None) -> list[OperatorAction]:
    """Return the newest entries, of one tenant or of all, newest first."""
    only = " WHERE tenant_id = :tenant" if tenant is not None else ""
    rows = conn.rows(
        f"SELECT * FROM operator_actions{only} ORDER BY id DESC LIMIT :limit",
        limit=limit,
        **({"tenant": tenant} if only else {}),
    )
    return [
        OperatorAction(
            found["id"],
            moment(found["at"]),
            Operator(found["by_user"], found["by_name"]),
            found["action"],
            found["tenant_id"],
            found["detail"],
        )
        for found in rows
    ]
