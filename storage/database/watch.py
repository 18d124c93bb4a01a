"""Watch: a count of changes, by which a reader knows whether the rows that it remembers are still current.

Temporary triggers on the writer's connection find the changes, so that no code that writes can forget to report one.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watched:
    """Columns of a table. A deleted row is a change of them too, a new one only `with_new_rows`."""

    table: str
    columns: tuple[str, ...]
    with_new_rows: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """The events of the triggers that find a change."""
        changed = f"UPDATE OF {', '.join(self.columns)}", "DELETE"
        return (*changed, "INSERT") if self.with_new_rows else changed


class Watch:
    """`count` has risen before the result of a unit that changed a watched column is handed out.

    Read it before the rows: they are current as long as it stays the same. `has_changed`: the transaction that is open
    has changed a watched column.
    """

    __slots__ = ("count", "has_changed")

    def __init__(self) -> None:
        self.count = 0
        self.has_changed = False

    def begin(self, raw: sqlite3.Connection, watched: Sequence[Watched]) -> None:
        """Find the changes made over `raw` from now on."""
        name = f"watch_{id(self)}"
        raw.create_function(name, 0, self._note)
        for each in watched:
            for number, event in enumerate(each.events):
                raw.execute(
                    f"CREATE TEMP TRIGGER {name}_{each.table}_{number} AFTER {event} ON main.{each.table}"
                    f" BEGIN SELECT {name}(); END"
                )

    def commit(self) -> None:
        """Count the changes of the transaction that has ended."""
        self.has_changed = False
        self.count += 1

    def _note(self) -> None:
        self.has_changed = True
