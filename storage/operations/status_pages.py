"""The last status that each provider's public status page reported."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from storage.database import watermarks
from storage.database.connection import Connection

_PREFIX = "status page:"
CURRENT = timedelta(minutes=15)
"""A status older than this is not shown."""


@dataclass(frozen=True, slots=True)
class PageStatus:
    """The status on a page. `indicator`: none, minor, major, critical or maintenance.

    `said`: the page's own sentence.
    """

    indicator: str
    said: str

    @property
    def is_well(self) -> bool:
        return self.indicator == "none"


def store(conn: Connection, provider: str, status: PageStatus | None, now: datetime) -> None:
    """Store the status; None deletes it."""
    if status is None:
        watermarks.delete(conn, _PREFIX + provider)
    else:
        watermarks.write(conn, _PREFIX + provider, json.dumps({**asdict(status), "at": now.isoformat()}))


def current(conn: Connection, now: datetime) -> dict[str, PageStatus]:
    """Return the statuses read within CURRENT, by provider."""
    found = {}
    for name, text in watermarks.with_prefix(conn, _PREFIX):
        stored = json.loads(text)
        if now - datetime.fromisoformat(stored["at"]) <= CURRENT:
            found[name.removeprefix(_PREFIX)] = PageStatus(stored["indicator"], stored["said"])
    return found
