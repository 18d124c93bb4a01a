"""Roll-ups: the journal's sums per day, derived from it alone. Rebuilding them gives the same rows.

They cover the attempts up to a watermark. Readers add the few attempts after it, so that sums are always exact.
"""

from engine.attempt_record import UNDELIVERED
from storage.database.connection import Connection, scalar
from storage.database.database import Database

CHUNK = 400
_NAME = "rollups"

SUMS = (
    "prompts",
    "input_tokens",
    "output_tokens",
    "allowance_tokens",
    "charge_nanousd",
    "allowance_nanousd",
    "cost_nanousd",
    "waste_nanousd",
)
BUCKETS_MS = (250, 500, 1000, 2500, 5000, 10_000)
TIMINGS = ("attempts", "first_tokens", "first_token_ms", *(f"le_{ms}" for ms in BUCKETS_MS))

PER_ATTEMPT: dict[str, str] = {
    "prompts": "CASE WHEN kept THEN 1 ELSE 0 END",
    "input_tokens": "CASE WHEN kept THEN input_tokens ELSE 0 END",
    "output_tokens": "CASE WHEN kept THEN output_tokens ELSE 0 END",
    "allowance_tokens": "allowance_tokens",
    "charge_nanousd": "charge_nanousd",
    "allowance_nanousd": "allowance_nanousd",
    "cost_nanousd": "cost_nanousd - waste_nanousd",
    "waste_nanousd": "waste_nanousd",
    "attempts": f"CASE WHEN outcome = '{UNDELIVERED}' THEN 0 ELSE 1 END",
    "first_tokens": "CASE WHEN first_token_ms IS NULL THEN 0 ELSE 1 END",
    "first_token_ms": "COALESCE(first_token_ms, 0)",
    **{f"le_{ms}": f"CASE WHEN first_token_ms <= {ms} THEN 1 ELSE 0 END" for ms in BUCKETS_MS},
}
"""The SQL expression that one attempt adds to each sum."""

_IS_RELEVANT = "SUM(CASE WHEN kept THEN 1 ELSE 0 END) > 0 OR SUM(cost_nanousd) > 0 OR SUM(waste_nanousd) > 0"
_TABLES = (
    ("tenant_days", ("tenant_id", "day", "key_id", "asked", "provider", "model"), SUMS, _IS_RELEVANT),
    ("house_days", ("day", "asked", "provider", "model"), SUMS, _IS_RELEVANT),
    ("provider_days", ("day", "provider", "outcome"), TIMINGS, f"SUM({PER_ATTEMPT['attempts']}) > 0"),
)
_KEYS = {"tenant_id": "COALESCE(tenant_id, 0)", "key_id": "COALESCE(key_id, 0)"}


async def catch_up(db: Database) -> int:
    """Roll up all committed attempts in short transactions and return the number of ids covered."""
    done, end = 0, await db.write(last_committed)
    while (rolled := await db.write(lambda conn: roll_up_chunk(conn, end))) is not None:
        done += rolled
    return done


async def rebuild(db: Database) -> int:
    """Delete all roll-ups and compute them again. Meanwhile sums stay exact, but are slow to read."""
    await db.write(clear)
    return await catch_up(db)


def watermark(conn: Connection) -> int:
    """Return the id of the last attempt that the roll-ups cover."""
    return int(scalar(conn, "SELECT value FROM watermarks WHERE name = :name", name=_NAME) or 0)


def last_committed(conn: Connection) -> int:
    """Return the id of the last attempt, once no attempt with a lower id can still be committed.

    PostgreSQL numbers rows before they are committed, so the table lock waits for the writers.
    """
    if conn.dialect == "postgresql":
        conn.run("LOCK TABLE attempts IN SHARE MODE")
    return int(scalar(conn, "SELECT COALESCE(MAX(id), 0) AS n FROM attempts"))


def roll_up_chunk(conn: Connection, end: int, most: int = CHUNK) -> int | None:
    """Add the next attempts up to id `end`. Return the number of ids covered, or None if there is nothing left."""
    conn.run("INSERT INTO watermarks (name, value) VALUES (:name, '0') ON CONFLICT (name) DO NOTHING", name=_NAME)
    after = watermark(conn)
    if after >= end:
        return None
    upto = min(after + most, end)
    moved = conn.run(
        "UPDATE watermarks SET value = :upto WHERE name = :name AND value = :after",
        name=_NAME,
        upto=str(upto),
        after=str(after),
    )
    if not moved:  # another process has rolled up this chunk
        return None
    for sql in _ROLL:
        conn.run(sql, after=after, upto=upto)
    return upto - after


def clear(conn: Connection) -> None:
    for table, *_ in _TABLES:
        conn.run(f"DELETE FROM {table}")
    conn.run("DELETE FROM watermarks WHERE name = :name", name=_NAME)


def _insert(table: str, keys: tuple[str, ...], sums: tuple[str, ...], having: str) -> str:
    chosen = ", ".join([*(_KEYS.get(key, key) for key in keys), *(f"SUM({PER_ATTEMPT[name]})" for name in sums)])
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    groups = ", ".join(str(number) for number in range(1, len(keys) + 1))
    return (
        f"INSERT INTO {table} ({', '.join((*keys, *sums))}) SELECT {chosen} FROM attempts"
        f" WHERE id > :after AND id <= :upto GROUP BY {groups} HAVING {having}"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}"
    )


_ROLL = tuple(_insert(*table) for table in _TABLES)
