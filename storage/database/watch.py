"""Watch: a counter of changes. It shows a reader whether the rows that it remembers are still current.

Temporary triggers on the writer's connection find the changes, so that no writing code can forget to report one.
"""

import logging
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0  # between two checks for changes by other programs
_UNKNOWN = -1  # the version of the content after a failed check


@dataclass(frozen=True, slots=True)
class Watched:
    """Columns to watch in a table. Deleting a row counts as a change, inserting one only if `with_new_rows`."""

    table: str
    columns: tuple[str, ...]
    with_new_rows: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """The events of the triggers that find a change."""
        changed = f"UPDATE OF {', '.join(self.columns)}", "DELETE"
        return (*changed, "INSERT") if self.with_new_rows else changed


class Watch:
    """`count` rises before a unit that changed a watched column returns its result.

    Read it before the rows: they are current as long as it stays the same. `has_changed`: the open transaction has
    changed a watched column.
    """

    __slots__ = ("count", "has_changed")

    def __init__(self) -> None:
        self.count = 0
        self.has_changed = False

    def begin(self, raw: sqlite3.Connection, watched: Sequence[Watched]) -> None:
        """Watch for changes made over `raw` from now on."""
        name = f"watch_{id(self)}"
        raw.create_function(name, 0, self._note)
        for each in watched:
            for number, event in enumerate(each.events):
                raw.execute(
                    f"CREATE TEMP TRIGGER {name}_{each.table}_{number} AFTER {event} ON main.{each.table}"
                    f" BEGIN SELECT {name}(); END"
                )

    def commit(self) -> None:
        """Count the changes of the transaction that has just ended."""
        self.has_changed = False
        self.count += 1

    def _note(self) -> None:
        self.has_changed = True


class Watches:
    """The watches of a writing connection. All methods but `add` are called by its thread."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._all: list[Watch] = []
        self._looked_at, self._version = 0.0, self._data_version()

    def add(self, watch: Watch) -> None:
        self._all.append(watch)

    def count_changes(self) -> None:
        """Let the watches count the changes of a batch, and once a second those by other programs.

        If that check fails it counts as a change, so that readers ask the database again, and the writer continues.
        """
        for watch in self._all:
            if watch.has_changed:
                watch.commit()
        if self._all and (now := time.monotonic()) - self._looked_at >= LOOK_SECONDS:
            before, self._looked_at, self._version = self._version, now, self._data_version()
            for watch in self._all:
                watch.count += self._version == _UNKNOWN or self._version != before

    def _data_version(self) -> int:
        """Return a number that changes with commits of other connections, not with those of this one."""
        try:
            return int(self._raw.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            log.exception("cannot look for changes by other programs")
            return _UNKNOWN
