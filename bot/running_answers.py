"""The running answers by chat and thread, for /stop and the Stop button."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from engine.gateway.answer import Answer

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class RunningAnswer:
    """A running answer, and the Telegram user who asked for it."""

    chat_id: int
    thread_id: int
    user_id: int
    answer: Answer


@dataclass(slots=True)
class RunningAnswers:
    """The running answers of this process, and the conversations whose oldest turns are no longer sent."""

    _running: list[RunningAnswer] = field(default_factory=list)
    _shortened: set[tuple[int, int]] = field(default_factory=set)
    _turns: dict[tuple[int, int], "_Turn"] = field(default_factory=dict)
    _stops: list[tuple[int, int | None, int | None]] = field(default_factory=list)

    @contextmanager
    def running(self, chat_id: int, thread_id: int, user_id: int, answer: Answer) -> Iterator[None]:
        """Make the answer reachable for /stop within this context."""
        entry = RunningAnswer(chat_id, thread_id, user_id, answer)
        self._running.append(entry)
        try:
            yield
        finally:
            self._running.remove(entry)

    def stop(self, chat_id: int, thread_id: int | None = None, user_id: int | None = None) -> bool:
        """Stop the answers in that chat, or only in that thread, or only of that user.

        Return False if there is none here.

        The stop is also passed on to other processes.
        """
        self._stops.append((chat_id, thread_id, user_id))
        return self.stop_here(chat_id, thread_id, user_id)

    def take_stops(self) -> list[tuple[int, int | None, int | None]]:
        """Return the stops since the last call, to be passed on to other processes."""
        stops, self._stops = self._stops, []
        return stops

    def stop_here(self, chat_id: int, thread_id: int | None, user_id: int | None) -> bool:
        """Stop the answers of this process only."""
        found = self._of(chat_id, thread_id, user_id)
        for each in found:
            each.answer.stop()
        return bool(found)

    def has_any(self, chat_id: int, thread_id: int) -> bool:
        """Return True if an answer is running in that thread, for any user."""
        return bool(self._of(chat_id, thread_id, None))

    def _of(self, chat_id: int, thread_id: int | None, user_id: int | None) -> list[RunningAnswer]:
        return [
            each
            for each in self._running
            if each.chat_id == chat_id and thread_id in (None, each.thread_id) and user_id in (None, each.user_id)
        ]

    def is_first_shortening(self, chat_id: int, thread_id: int) -> bool:
        """Record that a conversation no longer fits its model.

        Return True the first time, when the user gets a note about it.
        """
        known = (chat_id, thread_id) in self._shortened
        if len(self._shortened) >= MOST_REMEMBERED:
            self._shortened.clear()
        self._shortened.add((chat_id, thread_id))
        return not known

    @asynccontextmanager
    async def turn(self, chat_id: int, thread_id: int) -> AsyncIterator[None]:
        """Wait until no other answer of this process grows in that thread. A button's may overlap with a message's."""
        place = (chat_id, thread_id)
        turn = self._turns.setdefault(place, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[place]


@dataclass(slots=True)
class _Turn:
    """The lock of one thread, and the number of answers that hold it or wait for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
