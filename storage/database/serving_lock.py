"""The lock of a SQLite file that is being served: one serving process at a time.

The kernel releases it with the process, kill -9 included. Commands that only read or copy the file do not take it.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.database.files import OWNER_ONLY

WAIT_SECONDS, STEP_SECONDS = 1.0, 0.05  # a killed predecessor may still be ending


class AlreadyServed(OSError):
    """Another process serves the file."""

    def __init__(self, path: Path, pid: str) -> None:
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{path} is served by {owner} already: SQLite takes one serving process. "
            "Stop that one first, or set DATABASE_URL to PostgreSQL to run several."
        )


class UnusableFile(OSError):
    """The database's file can't be served from there."""

    def __init__(self, path: Path, reason: str) -> None:
        user = os.geteuid()
        super().__init__(
            f"{path} can't be written by user {user}: {reason}. Give that user {path.parent} (a folder mounted"
            f" into a container: `chown {user}` outside, or use a named volume), or set DATABASE_URL to another file."
        )


@asynccontextmanager
async def serving_lock(path: Path) -> AsyncIterator[None]:
    """Hold the lock of the database `path` until the context is left. Raises AlreadyServed or UnusableFile."""
    file = _opened(path)
    try:
        left_seconds = WAIT_SECONDS
        while not _try_lock(file):
            if left_seconds <= 0:
                raise AlreadyServed(path, os.pread(file, 20, 0).decode().strip())
            await asyncio.sleep(STEP_SECONDS)
            left_seconds -= STEP_SECONDS
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


def _opened(path: Path) -> int:
    """Open the lock's file beside the database; two names of one database have one lock."""
    resolved = path.resolve()
    if resolved.is_dir():
        raise UnusableFile(path, "it is a folder")
    try:
        resolved.parent.mkdir(parents=True, exist_ok=True)
        return os.open(resolved.with_name(f"{resolved.name}.serving"), os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    except OSError as error:
        raise UnusableFile(path, error.strerror or str(error)) from error


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
