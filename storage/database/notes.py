"""Notes: what is remembered between runs, by name; their table, `watermarks`, also holds the books' own marks."""

from storage.database.connection import Connection, scalar


def read(conn: Connection, name: str) -> str | None:
    value: str | None = scalar(conn, "SELECT value FROM watermarks WHERE name = :name", name=name)
    return value


def write(conn: Connection, name: str, value: str) -> None:
    conn.run(
        "INSERT INTO watermarks (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=name,
        value=value,
    )


def named(conn: Connection, prefix: str) -> list[tuple[str, str]]:
    """Those whose names begin so, in their order. A prefix has no wildcards."""
    found = conn.rows("SELECT name, value FROM watermarks WHERE name LIKE :like ORDER BY name", like=f"{prefix}%")
    return [(each["name"], each["value"]) for each in found]


def forget(conn: Connection, name: str) -> None:
    conn.run("DELETE FROM watermarks WHERE name = :name", name=name)


def replace(conn: Connection, name: str, old: str | None, new: str) -> bool:
    """False, with nothing done, when it is no longer `old` (None: not there)."""
    if old is None:
        sql = "INSERT INTO watermarks (name, value) VALUES (:name, :new) ON CONFLICT (name) DO NOTHING"
        return bool(conn.run(sql, name=name, new=new))
    sql = "UPDATE watermarks SET value = :new WHERE name = :name AND value = :old"
    return bool(conn.run(sql, name=name, new=new, old=old))
