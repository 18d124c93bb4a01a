"""A migrated SQLite database, made once per process, copies of it in memory, and the folder for databases."""

import functools
import os
import shutil
import sqlite3
import tempfile
from collections import deque
from pathlib import Path
from typing import Self

from storage.migrations import upgrade


@functools.cache
def migrated_database() -> bytes:
    """Return an empty, migrated SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        upgrade(f"sqlite:///{folder}/new.db")
        return Path(f"{folder}/new.db").read_bytes()


@functools.cache
def memory_folder() -> Path:
    """Return /dev/shm if it has 2 GiB free, because commits wait for a disk; else /tmp."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 2**30
    return memory if usable else Path("/tmp")


class CopiesInMemory:
    """Copies of a database in memory. A state machine makes one per example, and leaves that of a failed one open."""

    COPIES = 8

    def __init__(self, source: sqlite3.Connection) -> None:
        self._source = source
        self._made: deque[sqlite3.Connection] = deque()

    def make(self) -> sqlite3.Connection:
        raw = sqlite3.connect(":memory:", isolation_level=None)
        self._made.append(raw)
        if len(self._made) > self.COPIES:
            self._made.popleft().close()
        self._source.backup(raw)
        raw.execute("PRAGMA foreign_keys = ON")
        return raw

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for raw in self._made:
            raw.close()
