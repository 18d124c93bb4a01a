"""Personas that tenants have made."""

from dataclasses import dataclass

from storage.database.connection import Connection, Row, row, scalar

MOST_PERSONAS = 20


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona: its name, and the instructions that the model gets."""

    id: int
    name: str
    prompt: str


def add(conn: Connection, tenant_id: int, name: str, prompt: str) -> int | None:
    """Store a persona and return its id; None if the tenant has MOST_PERSONAS already."""
    if scalar(conn, "SELECT COUNT(*) FROM personas WHERE tenant_id = :id", id=tenant_id) >= MOST_PERSONAS:
        return None
    sql = "INSERT INTO personas (tenant_id, name, prompt) VALUES (:tenant, :name, :prompt) RETURNING id"
    return int(scalar(conn, sql, tenant=tenant_id, name=name, prompt=prompt))


def change(conn: Connection, tenant_id: int, persona_id: int, name: str, prompt: str) -> bool:
    """Change a persona of this tenant. Return False if it does not exist."""
    sql = "UPDATE personas SET name = :name, prompt = :prompt WHERE id = :id AND tenant_id = :tenant"
    return bool(conn.run(sql, name=name, prompt=prompt, id=persona_id, tenant=tenant_id))


def delete(conn: Connection, tenant_id: int, persona_id: int) -> bool:
    """Delete a persona of this tenant. Return False if it does not exist."""
    return bool(
        conn.run("DELETE FROM personas WHERE id = :id AND tenant_id = :tenant", id=persona_id, tenant=tenant_id)
    )


def find(conn: Connection, tenant_id: int, persona_id: int) -> Persona | None:
    sql = "SELECT * FROM personas WHERE id = :id AND tenant_id = :tenant"
    found = row(conn, sql, id=persona_id, tenant=tenant_id)
    return None if found is None else _persona(found)


def of_tenant(conn: Connection, tenant_id: int) -> list[Persona]:
    return [
        _persona(found) for found in conn.rows("SELECT * FROM personas WHERE tenant_id = :id ORDER BY id", id=tenant_id)
    ]


def forget(conn: Connection, tenant_id: int) -> None:
    conn.run("DELETE FROM personas WHERE tenant_id = :id", id=tenant_id)


def _persona(found: Row) -> Persona:
    return Persona(found["id"], found["name"], found["prompt"])
