"""RecentEntries: a bounded table of the entries that were set lately."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentEntries(Generic[K, V]):
    """A table of at most `most` entries, in two halves: when the newer half is full, the older one is dropped.

    An OrderedDict, which drops one entry at a time, takes twice the memory. Values are not None.
    """

    __slots__ = ("_half", "_newer", "_older")

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._newer: dict[K, V] = {}
        self._older: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def get(self, key: K) -> V | None:
        found = self._newer.get(key)
        return self._older.get(key) if found is None else found

    def set(self, key: K, value: V) -> None:
        """Set an entry, as the latest one."""
        self._older.pop(key, None)
        self._newer[key] = value
        if len(self._newer) >= self._half:
            self.drop_older()

    def drop_older(self) -> None:
        """Drop the older half, and begin a new one."""
        self._newer, self._older = {}, self._newer
