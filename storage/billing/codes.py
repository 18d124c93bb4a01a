"""Top-up and invite codes: 128 random bits, stored as SHA-256, used once. Wrong codes are rate limited per tenant."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.money import Money
from storage.database.connection import Connection, ms, row, scalar
from storage.ledger.transfers import HOUSE_CODES, credit, lock_account

MAX_WRONG_CODES, WINDOW = 5, timedelta(hours=1)
TOPUP, INVITE = "topup", "invite"
_BYTES = 16


@dataclass(frozen=True, slots=True)
class Redemption:
    """The result of using a code.

    `amount` is None when the code is wrong or was used by another tenant. `rate_limited`: the tenant sent too many
    wrong codes, and this one was not looked up. `repeated`: the same tenant used it before, so nothing was credited.
    """

    amount: Money | None = None
    rate_limited: bool = False
    repeated: bool = False


def make(
    conn: Connection, kind: str, count: int, *, made_by: int, now: datetime, amount: Money | None = None
) -> list[str]:
    """Make codes and return them in plain text. The database stores only their digests."""
    codes = [_encode(secrets.token_bytes(_BYTES)) for _ in range(count)]
    for code in codes:
        conn.run(
            "INSERT INTO codes (sha256, kind, nanousd, made_by, made_at) VALUES (:sha, :kind, :amount, :by, :now)",
            sha=digest(code),
            kind=kind,
            amount=amount.nanousd if amount else 0,
            by=made_by,
            now=ms(now),
        )
    return codes


def redeem(conn: Connection, tenant_id: int, code: str, now: datetime) -> Redemption:
    """Use a top-up code and credit its amount, at most once."""
    used = use(conn, tenant_id, code, TOPUP, now)
    if used.amount is not None and not used.repeated:
        credit(
            conn,
            tenant_id,
            used.amount,
            ref=f"code:{digest(code)}",
            reason="a code",
            now=now,
            source=HOUSE_CODES,
        )
    return used


def use(conn: Connection, tenant_id: int, code: str, kind: str, now: datetime) -> Redemption:
    """Mark a code as used by this tenant, or count a wrong code.

    The account's row is locked first, so that concurrent wrong codes are all counted.
    """
    lock_account(conn, tenant_id)
    if _wrong_codes(conn, tenant_id, now) >= MAX_WRONG_CODES:
        return Redemption(rate_limited=True)
    used_now = conn.run(
        "UPDATE codes SET used_by = :tenant, used_at = :now WHERE sha256 = :sha AND kind = :kind AND used_by IS NULL",
        tenant=tenant_id,
        now=ms(now),
        sha=digest(code),
        kind=kind,
    )
    code_row = row(
        conn,
        "SELECT nanousd FROM codes WHERE sha256 = :sha AND kind = :kind AND used_by = :tenant",
        sha=digest(code),
        kind=kind,
        tenant=tenant_id,
    )
    if code_row is None:
        sql = "INSERT INTO code_tries (tenant_id, tried_at) VALUES (:tenant, :now)"
        conn.run(sql, tenant=tenant_id, now=ms(now))
        return Redemption()
    return Redemption(Money(code_row["nanousd"]), repeated=not used_now)


def digest(code: str) -> str:
    """Return the SHA-256 of a code. Letter case, dashes and surrounding spaces don't matter."""
    return hashlib.sha256(_normalized(code).encode()).hexdigest()


def _normalized(code: str) -> str:
    return code.strip().replace("-", "").upper()


def _encode(random_bytes: bytes) -> str:
    return base64.b32encode(random_bytes).decode().rstrip("=")


def _wrong_codes(conn: Connection, tenant_id: int, now: datetime) -> int:
    """Delete wrong codes older than the window and return the number of the rest."""
    since = ms(now - WINDOW)
    conn.run("DELETE FROM code_tries WHERE tenant_id = :id AND tried_at <= :since", id=tenant_id, since=since)
    return int(scalar(conn, "SELECT count(*) AS n FROM code_tries WHERE tenant_id = :id", id=tenant_id))
