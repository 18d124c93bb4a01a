"""Codes: 128 bits, stored as their SHA-256, used once however many race; five wrong ones an hour, no more."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.money import Money
from storage.database.connection import Connection, ms, row, scalar
from storage.ledger.holds import account
from storage.ledger.ledger import credit

MOST_TRIES, WINDOW = 5, timedelta(hours=1)
TOPUP, INVITE = "topup", "invite"
_BYTES = 16


@dataclass(frozen=True, slots=True)
class Redemption:
    """`amount` None: the code was wrong or used; `wait`: too many wrong ones, nothing was looked up.

    `again`: this very tenant had used it before, and it did nothing more.
    """

    amount: Money | None = None
    wait: bool = False
    again: bool = False


def make(
    conn: Connection, kind: str, count: int, *, made_by: int, now: datetime, amount: Money | None = None
) -> list[str]:
    """New codes, in the clear this once."""
    codes = [_spell(secrets.token_bytes(_BYTES)) for _ in range(count)]
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
    """Credit what a top-up code is worth, once for all."""
    used = use(conn, tenant_id, code, TOPUP, now)
    if used.amount is not None and not used.again:
        credit(
            conn,
            tenant_id,
            used.amount,
            ref=f"code:{digest(code)}",
            reason="a code",
            now=now,
            source="house:codes",
        )
    return used


def use(conn: Connection, tenant_id: int, code: str, kind: str, now: datetime) -> Redemption:
    """Use a code up. A wrong one counts as a try, under the account's lock: races count each."""
    account(conn, tenant_id)
    if _tries(conn, tenant_id, now) >= MOST_TRIES:
        return Redemption(wait=True)
    used = conn.run(
        "UPDATE codes SET used_by = :tenant, used_at = :now WHERE sha256 = :sha AND kind = :kind AND used_by IS NULL",
        tenant=tenant_id,
        now=ms(now),
        sha=digest(code),
        kind=kind,
    )
    mine = row(
        conn,
        "SELECT nanousd FROM codes WHERE sha256 = :sha AND kind = :kind AND used_by = :tenant",
        sha=digest(code),
        kind=kind,
        tenant=tenant_id,
    )
    if mine is None:
        sql = "INSERT INTO code_tries (tenant_id, tried_at) VALUES (:tenant, :now)"
        conn.run(sql, tenant=tenant_id, now=ms(now))
        return Redemption()
    return Redemption(Money(mine["nanousd"]), again=not used)


def digest(code: str) -> str:
    """People type small letters and dashes."""
    return hashlib.sha256(_plain(code).encode()).hexdigest()


def _plain(code: str) -> str:
    return code.strip().replace("-", "").upper()


def _spell(chance: bytes) -> str:
    return base64.b32encode(chance).decode().rstrip("=")


def _tries(conn: Connection, tenant_id: int, now: datetime) -> int:
    """Wrong codes within the window; older ones are forgotten."""
    since = ms(now - WINDOW)
    conn.run("DELETE FROM code_tries WHERE tenant_id = :id AND tried_at <= :since", id=tenant_id, since=since)
    return int(scalar(conn, "SELECT count(*) AS n FROM code_tries WHERE tenant_id = :id", id=tenant_id))
