"""The messages about incidents: one to each admin with its current text, and the reply that reports the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.alerts.admin_notices import CLAIM, pause
from storage.database.connection import Connection, Row, ms


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A message about an incident to one admin.

    `shown`, `reply_shown`: digests of the texts in the chat, empty at first.

    `message` None: not sent yet. Several incidents may share one message. `is_lost`: this admin can't be reached.
    """

    incident: int
    admin: int
    message: int | None
    shown: str
    reply: int | None
    reply_shown: str
    is_lost: bool
    tries: int

    @property
    def tells_the_end(self) -> bool:
        """Return whether the message was sent after the incident's end and tells both; it is its own reply."""
        return self.message is not None and self.reply == self.message


def of_admin(conn: Connection, admin: int, incidents: Sequence[int]) -> dict[int, AlertMessage]:
    """Return this admin's messages about the incidents, by incident."""
    if not incidents:
        return {}
    rows = conn.rows(
        "SELECT * FROM alert_messages WHERE admin = :admin AND incident_id >= :least ORDER BY incident_id",
        admin=admin,
        least=min(incidents),
    )
    wanted = set(incidents)
    return {found["incident_id"]: _message(found) for found in rows if found["incident_id"] in wanted}


def claim(conn: Connection, incident: int, admin: int, now: datetime) -> bool:
    """Reserve the next delivery about an incident to an admin. False: another process has it, or it is too early."""
    claimed = conn.run(
        "INSERT INTO alert_messages (incident_id, admin, shown, reply_shown, is_lost, tries, next_at)"
        " VALUES (:incident, :admin, '', '', :no, 0, :until) ON CONFLICT (incident_id, admin)"
        " DO UPDATE SET next_at = excluded.next_at WHERE alert_messages.next_at <= :now",
        incident=incident,
        admin=admin,
        no=False,
        until=ms(now + CLAIM),
        now=ms(now),
    )
    return bool(claimed)


def sent(conn: Connection, incident: int, admin: int, message: int, shown: str) -> None:
    """Store the id of the sent message and the text that it shows."""
    _settle(conn, incident, admin, "message = :message, shown = :shown", message=message, shown=shown)


def replied(conn: Connection, incident: int, admin: int, reply: int, shown: str) -> None:
    """Store the id of the sent reply and the text that it shows."""
    _settle(conn, incident, admin, "reply = :reply, reply_shown = :shown", reply=reply, shown=shown)


def forget_reply(conn: Connection, incident: int, admin: int) -> None:
    """Store that the end has not been told: the incident has returned."""
    _settle(conn, incident, admin, "reply = NULL, reply_shown = ''")


def lost(conn: Connection, incident: int, admin: int) -> None:
    """Store that this admin can't be reached: no more is sent about the incident."""
    _settle(conn, incident, admin, "is_lost = :yes", yes=True)


def retry_lost(conn: Connection, admin: int) -> int:
    """Let the messages that this admin could not get be sent again; return their number.

    They are those about incidents that are open, or whose beginning was told. Others that are over are in the log.
    """
    return conn.run(
        "UPDATE alert_messages SET is_lost = :no, tries = 0, next_at = 0 WHERE admin = :admin AND is_lost = :yes"
        " AND (message IS NOT NULL OR incident_id IN (SELECT id FROM incidents WHERE state = 'open'))",
        admin=admin,
        no=False,
        yes=True,
    )


def retry_of(conn: Connection, incident: int) -> None:
    """Let the messages about an incident be sent again to admins who could not get them: it has returned."""
    sql = "UPDATE alert_messages SET is_lost = :no, tries = 0, next_at = 0 WHERE incident_id = :id AND is_lost = :yes"
    conn.run(sql, id=incident, no=False, yes=True)


def failed(conn: Connection, known: AlertMessage, now: datetime) -> None:
    """Plan the next try of a delivery that failed."""
    conn.run(
        "UPDATE alert_messages SET tries = tries + 1, next_at = :next WHERE incident_id = :incident AND admin = :admin",
        next=ms(now + pause(known.tries)),
        incident=known.incident,
        admin=known.admin,
    )


def _settle(conn: Connection, incident: int, admin: int, values: str, **given: object) -> None:
    conn.run(
        f"UPDATE alert_messages SET {values}, tries = 0, next_at = 0 WHERE incident_id = :incident AND admin = :admin",
        incident=incident,
        admin=admin,
        **given,
    )


def unsent(incident: int, admin: int) -> AlertMessage:
    """Return the message of an incident that no admin has been sent yet."""
    return AlertMessage(incident, admin, None, "", None, "", is_lost=False, tries=0)


def _message(found: Row) -> AlertMessage:
    return AlertMessage(
        found["incident_id"],
        found["admin"],
        found["message"],
        found["shown"],
        found["reply"],
        found["reply_shown"],
        bool(found["is_lost"]),
        found["tries"],
    )
