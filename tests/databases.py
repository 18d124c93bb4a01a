"""A migrated SQLite database, made once a process."""

import functools
import tempfile
from pathlib import Path

from storage.migrations import upgrade


@functools.cache
def migrated_database() -> bytes:
    """Return an empty, migrated SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        upgrade(f"sqlite:///{folder}/new.db")
        return Path(f"{folder}/new.db").read_bytes()
