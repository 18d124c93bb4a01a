"""Files read in child processes with limits, so that a hostile or slow file does not disturb other work."""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from documents.reading.encodings import plain_utf8
from documents.reading.file_content import FileContent, Flaw, UnreadableFileError, text_content
from documents.reading.kinds import Kind, kind_of

MOST_SECONDS = 60
AT_ONCE = 2
AT_ONCE_PER_USER = 1
_ROOT = Path(__file__).resolve().parents[2]


class FileReader:
    """Reads the files of all users: AT_ONCE at a time, one per user, so that no user makes the others wait."""

    def __init__(self, most_seconds: float = MOST_SECONDS) -> None:
        self._most_seconds = most_seconds
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._users: dict[int, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE_PER_USER))
        self._waiting: dict[int, int] = defaultdict(int)

    async def read(self, data: bytes, user_id: int, language: str) -> FileContent:
        """Return the text or pictures of a file. Raises UnreadableFileError."""
        if kind_of(data) is Kind.TEXT and (text := plain_utf8(data)) is not None:
            return text_content(text)
        async with self._turn(user_id):
            try:
                async with asyncio.timeout(self._most_seconds):
                    return await _read_in_child(data, language)
            except TimeoutError as error:
                raise UnreadableFileError(Flaw.SLOW) from error

    @asynccontextmanager
    async def _turn(self, user_id: int) -> AsyncIterator[None]:
        self._waiting[user_id] += 1
        try:
            async with self._users[user_id], self._slots:
                yield
        finally:
            self._waiting[user_id] -= 1
            if not self._waiting[user_id]:
                del self._waiting[user_id], self._users[user_id]


async def _read_in_child(data: bytes, language: str) -> FileContent:
    """Read a file in a child process. Raises UnreadableFileError; a child killed for time or memory counts as slow."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "documents.reading.child",
        language,
        cwd=_ROOT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONIOENCODING": "utf-8"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await child.communicate(data)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise UnreadableFileError(Flaw.SLOW if child.returncode < 0 else Flaw.BROKEN)
    return await asyncio.to_thread(FileContent.from_json, out)
