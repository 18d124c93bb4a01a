"""Values remembered between runs, by name: the table `watermarks`."""

from storage.database.connection import Connection, scalar


def read(conn: Connection, name: str) -> str | None:
    """Return the value stored under `name`, if any."""
    value: str | None = scalar(conn, "SELECT value FROM watermarks WHERE name = :name", name=name)
    return value


def write(conn: Connection, name: str, value: str) -> None:
    """Store `value` under `name`, replacing an earlier value."""
    conn.run(
        "INSERT INTO watermarks (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=name,
        value=value,
    )


def with_prefix(conn: Connection, prefix: str) -> list[tuple[str, str]]:
    """Return (name, value) of the names that begin with `prefix`, sorted. `prefix` must contain no LIKE wildcards."""
    found = conn.rows("SELECT name, value FROM watermarks WHERE name LIKE :like ORDER BY name", like=f"{prefix}%")
    return [(each["name"], each["value"]) for each in found]


def delete(conn: Connection, name: str) -> None:
    """Delete the value of `name`; do nothing when there is none."""
    conn.run("DELETE FROM watermarks WHERE name = :name", name=name)


def replace(conn: Connection, name: str, old: str | None, new: str) -> bool:
    """Compare and swap: store `new` if the value is `old` (None: absent). Otherwise change nothing and return False."""
    if old is None:
        sql = "INSERT INTO watermarks (name, value) VALUES (:name, :new) ON CONFLICT (name) DO NOTHING"
        return bool(conn.run(sql, name=name, new=new))
    sql = "UPDATE watermarks SET value = :new WHERE name = :name AND value = :old"
    return bool(conn.run(sql, name=name, new=new, old=old))
