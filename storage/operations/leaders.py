"""Leaders: for each task, such as the clock, one process leads. Each change of the leader raises an epoch.

If a leader was frozen, its epoch is out of date when it writes again: `check` runs in the transaction of each write.
"""

from collections.abc import Callable

from storage.database.connection import Connection, for_update, row


class LeadershipLost(Exception):
    """Another process leads now: nothing was written."""

    def __init__(self, name: str) -> None:
        super().__init__(f"another process leads the {name} now")


def lead(conn: Connection, name: str, lease_id: str, is_dead: Callable[[str], bool]) -> int | None:
    """Return this process's epoch if it leads or takes over from a dead leader; None while another process leads."""
    values = {"name": name, "lease": lease_id}
    conn.run(
        "INSERT INTO leaders (name, lease_id, epoch) VALUES (:name, '', 0) ON CONFLICT (name) DO NOTHING", **values
    )
    found = row(conn, f"SELECT * FROM leaders WHERE name = :name{for_update(conn)}", name=name)
    assert found is not None
    if found["lease_id"] == lease_id:
        return int(found["epoch"])
    if found["lease_id"] and not is_dead(found["lease_id"]):
        return None
    conn.run("UPDATE leaders SET lease_id = :lease, epoch = epoch + 1 WHERE name = :name", **values)
    return int(found["epoch"]) + 1


def resign(conn: Connection, name: str, lease_id: str) -> None:
    """Give up the lead, so that another process may lead at once."""
    conn.run("UPDATE leaders SET lease_id = '' WHERE name = :name AND lease_id = :lease", name=name, lease=lease_id)


def check(conn: Connection, name: str, lease_id: str, epoch: int) -> None:
    """Raise LeadershipLost unless this process still leads; it then leads until the transaction ends."""
    lock = " FOR SHARE" if conn.dialect == "postgresql" else ""
    sql = f"SELECT 1 AS one FROM leaders WHERE name = :name AND lease_id = :lease AND epoch = :epoch{lock}"
    if row(conn, sql, name=name, lease=lease_id, epoch=epoch) is None:
        raise LeadershipLost(name)
