"""A migrated SQLite database, made once a process, and the folder for databases."""

import functools
import os
import shutil
import tempfile
from pathlib import Path

from storage.migrations import upgrade


@functools.cache
def migrated_database() -> bytes:
    """Return an empty, migrated SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        upgrade(f"sqlite:///{folder}/new.db")
        return Path(f"{folder}/new.db").read_bytes()


@functools.cache
def memory_folder() -> Path:
    """Return /dev/shm when it has 2 GiB free, because a commit waits for a disk; else /tmp."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 2**30
    return memory if usable else Path("/tmp")
