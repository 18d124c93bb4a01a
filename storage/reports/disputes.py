"""Offers whose usage reports contradict themselves."""

from dataclasses import dataclass
from datetime import datetime

from storage.database.connection import Connection, ms


@dataclass(frozen=True, slots=True)
class Dispute:
    """An offer with reports whose parts and total disagree; the larger number was booked. `attempts`: how many."""

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
