"""Invitations to teams: links with 128 random bits, stored as a hash, for one person and a limited time."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.money import Money
from storage.database.connection import Connection, ms, row
from storage.teams import members, teams
from storage.teams.teams import Team

LIFE = timedelta(days=7)
_RANDOM_BYTES = 16
_SECRET_CHARS = 22  # length of the secret's random bytes in base64


@dataclass(frozen=True, slots=True)
class TeamInvitation:
    """An invitation that can be accepted. `limit` None: no limit."""

    team: Team
    limit: Money | None


def is_secret(text: str) -> bool:
    """Return whether a text has the form of an invitation's secret."""
    return re.fullmatch(rf"[\w-]{{{_SECRET_CHARS}}}", text, re.ASCII) is not None


def make(conn: Connection, team_id: int, limit: Money | None, now: datetime) -> str:
    """Return the secret of a new invitation."""
    secret = secrets.token_urlsafe(_RANDOM_BYTES)
    conn.run(
        "INSERT INTO team_invitations (sha256, wallet_id, limit_nanousd, expires_at)"
        " VALUES (:hash, :team, :most, :until)",
        hash=_digest(secret),
        team=team_id,
        most=None if limit is None else limit.nanousd,
        until=ms(now + LIFE),
    )
    return secret


def find(conn: Connection, secret: str, now: datetime) -> TeamInvitation | None:
    """Return an invitation that is unused and not expired, and whose team exists."""
    found = row(
        conn,
        "SELECT * FROM team_invitations WHERE sha256 = :hash AND used_by IS NULL AND expires_at > :now",
        hash=_digest(secret),
        now=ms(now),
    )
    team = None if found is None else teams.find(conn, found["wallet_id"])
    if found is None or team is None:
        return None
    return TeamInvitation(team, None if found["limit_nanousd"] is None else Money(found["limit_nanousd"]))


def accept(conn: Connection, secret: str, tenant_id: int, now: datetime) -> Team | None:
    """Join the team; an invitation works once. None: it can't be used, or the person is in a team already."""
    invitation = find(conn, secret, now)
    if invitation is not None:
        members.lock_join(conn, invitation.team.id, tenant_id)  # the lock prevents that the team is dissolved meanwhile
        invitation = find(conn, secret, now)
    if invitation is None or teams.of_member(conn, tenant_id) is not None:
        return None
    used = conn.run(
        "UPDATE team_invitations SET used_by = :id, used_at = :now WHERE sha256 = :hash AND used_by IS NULL",
        hash=_digest(secret),
        id=tenant_id,
        now=ms(now),
    )
    if not used or not members.join(conn, invitation.team.id, tenant_id, invitation.limit, now):
        return None
    return teams.find(conn, invitation.team.id)


def revoke_all(conn: Connection, team_id: int) -> int:
    """Delete the invitations that were not used, and return their number."""
    return conn.run("DELETE FROM team_invitations WHERE wallet_id = :team AND used_by IS NULL", team=team_id)


def sweep(conn: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` invitations that expired before `before`, used or not, and return their number."""
    sql = (
        "DELETE FROM team_invitations WHERE sha256 IN"
        " (SELECT sha256 FROM team_invitations WHERE expires_at < :before LIMIT :n)"
    )
    return conn.run(sql, before=ms(before), n=limit)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
