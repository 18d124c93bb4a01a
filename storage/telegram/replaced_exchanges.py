"""The exchange that an answer replaces: stored with its question, and restored if the answer can't be delivered."""

import json

from storage.database.connection import Connection, row


def of(conn: Connection, request_id: str) -> str:
    """Return the exchange of a request as JSON: question, answer, and the answer's messages; "" if there is none."""
    said = conn.rows("SELECT role, parts FROM messages WHERE request_id = :id", id=request_id)
    if not said:
        return ""
    asked = row(conn, "SELECT state, answer_message_ids FROM questions WHERE answer_request_id = :id", id=request_id)
    return json.dumps(
        {
            "request_id": request_id,
            "parts": {each["role"]: each["parts"] for each in said},
            "state": asked["state"] if asked else "answered",
            "message_ids": asked["answer_message_ids"] if asked else "[]",
        },
        ensure_ascii=False,
    )


def said(stored: str) -> dict[str, object]:
    """Return the parts of the exchange in this JSON, by role."""
    return {role: json.loads(parts) for role, parts in json.loads(stored)["parts"].items()} if stored else {}


def put_back(conn: Connection, request_id: str) -> bool:
    """Restore the exchange that the answer of this request replaced. Return False if it replaced none."""
    sql = "SELECT id, replaced FROM questions WHERE answer_request_id = :id AND replaced <> ''"
    found = row(conn, sql, id=request_id)
    if found is None:
        return False
    before = json.loads(found["replaced"])
    for role, parts in before["parts"].items():
        conn.run(
            "UPDATE messages SET parts = :parts, request_id = :old WHERE request_id = :new AND role = :role",
            parts=parts,
            old=before["request_id"],
            new=request_id,
            role=role,
        )
    conn.run(
        "UPDATE questions SET state = :state, answer_request_id = :old, answer_message_ids = :ids, replaced = ''"
        " WHERE id = :id",
        state="cut" if before["state"] == "cut" else "answered",
        old=before["request_id"],
        ids=before["message_ids"],
        id=found["id"],
    )
    return True
