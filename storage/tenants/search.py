"""Search for tenants by the terms that operators use: tenant id, Telegram id, @username, or a part of the name."""

from unicodedata import normalize

from storage.database.connection import Connection, row_number
from storage.tenants import tenants
from storage.tenants.tenants import TenantState


def search(conn: Connection, text: str, limit: int = 10) -> list[TenantState]:
    """Return up to `limit` tenants, newest first. A match of the whole name or @username comes before a partial one.

    Upper and lower case are equal in every script; the database's own functions would know ASCII only.
    """
    known = tenants.find(conn, text.strip())
    if known is not None:
        return [known]
    wanted = _folded(text)
    if not wanted or row_number(wanted) is not None:
        return []
    everyone = [
        (found["id"], _folded(found["name"]), _folded(found["username"]))
        for found in conn.rows("SELECT id, name, username FROM tenants ORDER BY id DESC")
    ]
    ids = [number for number, _, username in everyone if wanted == username]
    if not ids and not text.strip().startswith("@"):
        ids = [number for number, name, _ in everyone if wanted == name]
        ids = ids or [number for number, name, username in everyone if wanted in name or wanted in username]
    found = (tenants.state(conn, number) for number in ids[:limit])
    return [state for state in found if state is not None]


def _folded(text: str) -> str:
    return normalize("NFC", text).strip().removeprefix("@").casefold()
