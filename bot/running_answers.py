"""The answers in progress, by chat and thread, so that /stop and the Stop button reach them."""

from dataclasses import dataclass, field

from engine.gateway.answer import Answer

MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class RunningAnswers:
    """The answers in progress in this process, and the conversations whose oldest turns are no longer sent."""

    _running: dict[tuple[int, int], Answer] = field(default_factory=dict)
    _shortened: set[tuple[int, int]] = field(default_factory=set)

    def begin(self, chat_id: int, thread_id: int, answer: Answer) -> None:
        self._running[chat_id, thread_id] = answer

    def end(self, chat_id: int, thread_id: int) -> None:
        self._running.pop((chat_id, thread_id), None)

    def stop(self, chat_id: int, thread_id: int | None = None) -> bool:
        """Stop the answers of that chat, or of that thread only. Return False if there is none."""
        found = [
            answer
            for (chat, thread), answer in self._running.items()
            if chat == chat_id and thread_id in (None, thread)
        ]
        for answer in found:
            answer.stop()
        return bool(found)

    def is_first_shortening(self, chat_id: int, thread_id: int) -> bool:
        """Note that a conversation no longer fits its model. Return True the first time: the user is told once."""
        known = (chat_id, thread_id) in self._shortened
        if len(self._shortened) >= MOST_REMEMBERED:
            self._shortened.clear()
        self._shortened.add((chat_id, thread_id))
        return not known
