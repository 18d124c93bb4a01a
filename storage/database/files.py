"""Database files that only their owner can read: SQLite's file, its write-ahead log and its shared memory."""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)
OWNER_ONLY = 0o600
_BESIDE = ("-wal", "-shm", "-journal")  # SQLite creates these with the mode of the database


def create_private(path: Path) -> None:
    """Create an empty file of mode 0600 if it does not exist. Raises OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, OWNER_ONLY))


def make_private(path: Path) -> None:
    """Remove the permissions of group and others from `path` and the files beside it; log it if that is not allowed."""
    for each in (path, *(path.with_name(path.name + end) for end in _BESIDE)):
        try:
            mode = each.stat().st_mode & 0o777
            if mode & 0o077:
                each.chmod(mode & 0o700)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("%s can be read by others, and that can't be changed: %s", each, error)
