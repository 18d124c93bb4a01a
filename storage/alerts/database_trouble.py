"""The time in which this process can't write to the database, kept in memory until it can be stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.alerts import alert_messages, incidents
from storage.database.connection import Connection

KIND, SUBJECT = "database_gone", "farthing"
LEAST = timedelta(seconds=10)
"""Writes must fail for so long before the admins are told."""
_MOST_CHARACTERS = 200


@dataclass
class DatabaseTrouble:
    """`told`: the id of the message that each admin has. `reason`: the first line of the first error."""

    since: datetime
    reason: str
    told: dict[int, int] = field(default_factory=dict)
    is_due: bool = False

    @classmethod
    def begun(cls, now: datetime, error: str) -> "DatabaseTrouble":
        first = next(iter(error.strip().splitlines()), "").replace("`", "'")
        return cls(now, first[:_MOST_CHARACTERS] or "no answer")

    @property
    def facts(self) -> dict[str, object]:
        return {"since": self.since, "reason": self.reason}

    def store(self, conn: Connection, recovery: Mapping[str, object], now: datetime) -> None:
        """Store the trouble as an incident that has ended, so that each admin gets a reply about its end."""
        made = incidents.begin(conn, KIND, SUBJECT, self.facts, self.since)
        if made is None:
            return
        for admin, message in self.told.items():
            alert_messages.claim(conn, made, admin, self.since)
            alert_messages.sent(conn, made, admin, message, "")
        incidents.close(conn, made, now)
        incidents.update(conn, made, {**self.facts, **recovery}, now)
