"""Offers that send contradictory usage reports."""

from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, ms


@dataclass(frozen=True, slots=True)
class Dispute:
    """An offer whose reports have parts that don't add up to the total; the larger number was booked."""

    provider: str
    model: str
    attempts: int

    @property
    def offer(self) -> str:
        return f"{self.provider}/{self.model}"


def disputes(conn: Connection, since: datetime) -> list[Dispute]:
    """Return the offers with such reports among the attempts begun since `since`."""
    found = conn.rows(
        "SELECT provider, model, COUNT(*) AS attempts FROM attempts WHERE disputed AND started_at >= :since"
        " GROUP BY provider, model ORDER BY provider, model",
        since=ms(since),
    )
    return [Dispute(each["provider"], each["model"], int(each["attempts"])) for each in found]
