"""Answers of /v1/responses, stored so that a later request can continue them by their id."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from storage.database.connection import Connection, Row, ms, row

Item: TypeAlias = dict[str, Any]
"""An item of a response's input or output, in OpenAI's shape."""

MOST_TURNS = 1000  # of a conversation; earlier turns are not sent again


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One answer with its question. `body` is the response's JSON, `previous_id` the response that it continues."""

    id: str
    tenant_id: int
    previous_id: str | None
    input: Sequence[Item]
    output: Sequence[Item]
    body: str


def store(conn: Connection, response: StoredResponse, now: datetime) -> None:
    conn.run(
        "INSERT INTO stored_responses (id, tenant_id, previous_id, input, output, body, created_at)"
        " VALUES (:id, :tenant, :previous, :input, :output, :body, :now)",
        id=response.id,
        tenant=response.tenant_id,
        previous=response.previous_id,
        input=json.dumps(response.input),
        output=json.dumps(response.output),
        body=response.body,
        now=ms(now),
    )


def load(conn: Connection, tenant_id: int, response_id: str) -> StoredResponse | None:
    """Return a response; None if the tenant has none with this id."""
    found = row(
        conn,
        "SELECT * FROM stored_responses WHERE id = :id AND tenant_id = :tenant",
        id=response_id,
        tenant=tenant_id,
    )
    return _response(found) if found is not None else None


def history(conn: Connection, tenant_id: int, response_id: str) -> list[Item] | None:
    """Return the items of the conversation up to a response, oldest first; None if the tenant has none with this id.

    If an earlier response of the conversation was deleted, the items begin after it.
    """
    turns = conn.rows(
        "WITH RECURSIVE turn(id, previous_id, input, output, depth) AS ("
        " SELECT id, previous_id, input, output, 0 FROM stored_responses WHERE id = :id AND tenant_id = :tenant"
        " UNION ALL SELECT s.id, s.previous_id, s.input, s.output, turn.depth + 1 FROM stored_responses s"
        " JOIN turn ON s.id = turn.previous_id WHERE s.tenant_id = :tenant AND turn.depth < :most)"
        " SELECT input, output FROM turn ORDER BY depth DESC",
        id=response_id,
        tenant=tenant_id,
        most=MOST_TURNS - 1,
    )
    if not turns:
        return None
    return [item for turn in turns for name in ("input", "output") for item in json.loads(turn[name])]


def delete(conn: Connection, tenant_id: int, response_id: str) -> bool:
    """Delete a response; return whether it existed."""
    return bool(
        conn.run(
            "DELETE FROM stored_responses WHERE id = :id AND tenant_id = :tenant", id=response_id, tenant=tenant_id
        )
    )


def forget(conn: Connection, tenant_id: int) -> int:
    """Delete all responses of a tenant; return their number."""
    return conn.run("DELETE FROM stored_responses WHERE tenant_id = :tenant", tenant=tenant_id)


def everything(conn: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """Return the input and output of each response of a tenant, oldest first, for an export."""
    found = conn.rows("SELECT * FROM stored_responses WHERE tenant_id = :tenant ORDER BY created_at", tenant=tenant_id)
    responses = map(_response, found)
    return [{"id": each.id, "input": each.input, "output": each.output} for each in responses]


def sweep(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` responses older than `before`; return their number."""
    return conn.run(
        "DELETE FROM stored_responses WHERE id IN (SELECT id FROM stored_responses WHERE created_at < :then LIMIT :n)",
        then=ms(before),
        n=limit,
    )


def _response(found: Row) -> StoredResponse:
    return StoredResponse(
        found["id"],
        found["tenant_id"],
        found["previous_id"],
        json.loads(found["input"]),
        json.loads(found["output"]),
        found["body"],
    )
