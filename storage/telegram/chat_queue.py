"""The port that wakes a worker for a chat with stored updates, and its implementation within one process."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from storage.database.connection import Connection


class ChatQueue(Protocol):
    """Wakes workers for chats with updates in the inbox. A chat may be called twice, late, or without need."""

    def enqueue(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Queue the chats in the transaction that stores or releases their updates."""
        ...

    def free(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Forget the work on chats whose worker has died, so that another worker can be called."""
        ...

    def committed(self, chat_keys: Iterable[str]) -> None:
        """Learn that the transaction of `enqueue` was committed."""
        ...

    async def start(self, work: Callable[[str], Awaitable[None]]) -> None:
        """Start calling `work` for each queued chat; `work` returns when the chat has nothing left to do."""
        ...

    def close(self) -> None:
        """Stop calling `work`."""
        ...

    async def stop(self) -> None:
        """Wait for the running calls."""
        ...


class LocalChats:
    """A queue within one process: a chat is called at once, by the process that stored its update."""

    def __init__(self, ring: Callable[[str], object]) -> None:
        self._ring = ring

    def enqueue(self, conn: Connection, chat_keys: Iterable[str]) -> None:
        """Do nothing: `committed` calls the chats."""

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
