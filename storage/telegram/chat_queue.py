"""The port that wakes a worker for a chat with stored updates, and its implementation within one process."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from storage.database.connection import Connection


class ChatQueue(Protocol):
    """A doorbell over the inbox, which stays the truth: a chat may be called twice, late, or without need."""

    def enqueue(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Queue the chats in the transaction that stores or releases their updates."""
        ...

    def free(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Forget the work on chats whose worker has died, so that another worker may be called."""
        ...

    def committed(self, chat_keys: Iterable[str]) -> None:
        """Take note that the transaction of `enqueue` is committed."""
        ...

    async def start(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Have `work` called for each queued chat; it returns when nothing is left to do there."""
        ...

    def close(self) -> None:
        """Call for no further chat."""
        ...

    async def stop(self) -> None:
        """Wait for the calls in progress."""
        ...


class LocalChats:
    """One process: each chat is called at once, by the process that stored its update."""

    def __init__(self, ring: Callable[[str], object]) -> None:
        self._ring = ring

    def enqueue(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Do nothing: `committed` rings."""

    def free(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Do nothing: a worker is a task of this process."""

    def committed(self, chat_keys: Iterable[str]) -> None:
        for chat_key in chat_keys:
            self._ring(chat_key)

    async def start(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Do nothing: tasks start as chats are called."""

    def close(self) -> None:
        """Do nothing: the intake starts no task once it is closed."""

    async def stop(self) -> None:
        """Do nothing: the intake waits for its tasks."""
