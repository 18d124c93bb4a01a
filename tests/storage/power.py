"""A simulated disk whose power can be cut: all writes since the last sync are lost."""

import itertools
from typing import Any

import apsw

_names = itertools.count()


class Disk(apsw.VFS):
    """An SQLite VFS above the default one. Keep a reference to it until its connections are closed."""

    def __init__(self) -> None:
        self.name = f"disk{next(_names)}"
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> "_File":
        return _File(name, flags)


class _File(apsw.VFSFile):
    """Reads see every write; the file on disk gets the writes only when they are synced."""

    def __init__(self, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._current = bytearray(super().xRead(super().xFileSize(), 0))
        self._unsynced: list[tuple[int, bytes] | int] = []

    def xFileSize(self) -> int:
        return len(self._current)

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._current[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        if len(self._current) < offset:
            self._current.extend(bytes(offset - len(self._current)))
        self._current[offset : offset + len(data)] = data
        self._unsynced.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        del self._current[newsize:]
        self._unsynced.append(newsize)

    def xSync(self, flags: int) -> None:
        for change in self._unsynced:
            if isinstance(change, int):
                super().xTruncate(change)
            else:
                super().xWrite(change[1], change[0])
        self._unsynced.clear()
        super().xSync(flags)
