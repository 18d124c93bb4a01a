"""The answers in progress, by chat and thread, so that /stop and the Stop button reach them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.gateway.answer import Answer

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class RunningAnswer:
    """An answer in progress, and the Telegram user who asked for it."""

    chat_id: int
    thread_id: int
    user_id: int
    answer: Answer


@dataclass(slots=True)
class RunningAnswers:
    """The answers in progress in this process, and the conversations whose oldest turns are no longer sent."""

    _running: list[RunningAnswer] = field(default_factory=list)
    _shortened: set[tuple[int, int]] = field(default_factory=set)

    @contextmanager
    def running(self, chat_id: int, thread_id: int, user_id: int, answer: Answer) -> Iterator[None]:
        """Let /stop reach the answer in the meantime."""
        entry = RunningAnswer(chat_id, thread_id, user_id, answer)
        self._running.append(entry)
        try:
            yield
        finally:
            self._running.remove(entry)

    def stop(self, chat_id: int, thread_id: int | None = None, user_id: int | None = None) -> bool:
        """Stop the answers of that chat, of that thread only, or of that user only. Return False if there is none."""
        found = self._of(chat_id, thread_id, user_id)
        for each in found:
            each.answer.stop()
        return bool(found)

    def has_any(self, chat_id: int, thread_id: int) -> bool:
        """Return True if an answer is in progress in that thread, of any user."""
        return bool(self._of(chat_id, thread_id, None))

    def _of(self, chat_id: int, thread_id: int | None, user_id: int | None) -> list[RunningAnswer]:
        return [
            each
            for each in self._running
            if each.chat_id == chat_id and thread_id in (None, each.thread_id) and user_id in (None, each.user_id)
        ]

    def is_first_shortening(self, chat_id: int, thread_id: int) -> bool:
        """Note that a conversation no longer fits its model. Return True the first time: the user is told once."""
        known = (chat_id, thread_id) in self._shortened
        if len(self._shortened) >= MOST_REMEMBERED:
            self._shortened.clear()
        self._shortened.add((chat_id, thread_id))
        return not known
