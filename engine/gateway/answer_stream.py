"""Content of attempts, and the stream of events that the reader of an answer takes."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.catalog.offers import Offer
from engine.chat import Choice, Chunk, Delta, Event, Finish, Finished, Restart, Served, ToolCall, Usage
from engine.errors import EmptyAnswer, Garbled

MOST_NAME_CHARS = 200
MOST_CHARS = 16_000_000  # of one answer: an answer above it does not end
_SPARE_CHARS, _CHARS_PER_TOKEN = 200_000, 64  # allowed beside the limit, and per token of it: only blanks need as much
_EVENT_CHARS, _CALL_CHARS = 8, 32  # size of an event, and of a piece of a tool call, beside its text

ContentEvent: TypeAlias = Delta | Finished


class AttemptContent:
    """Content of one attempt: an append-only list of events, the reported usage, and a limit on the size.

    `events` holds the deltas that carry content, in the order they came, then the end of each choice.
    """

    def __init__(self, offer: Offer, choices: int, most_tokens: int) -> None:
        self.offer = offer
        self.events: list[ContentEvent] = []
        self.thoughts: list[str] = []  # reasoning, for counting its tokens
        self.deltas = 0  # pieces that came, of content or reasoning
        self.usage: Usage | None = None
        self.served = ""
        self._choices = choices
        self._left_chars = min(MOST_CHARS, _SPARE_CHARS + _CHARS_PER_TOKEN * most_tokens)
        self._left_thinking_chars = MOST_CHARS
        self._finishes: dict[int, Finish] = {}
        self._is_answer = False  # also without content: by its reasoning, or by an end that is an answer

    def add(self, chunk: Chunk) -> bool:
        """Record `chunk`; return True if it is content. Raises Garbled for a wrong choice or too much content."""
        if isinstance(chunk, Delta):
            self._check(chunk)
            self.deltas += 1
            return self._add_delta(chunk)
        if isinstance(chunk, Finished):
            self._check(chunk)
            self._finishes.setdefault(chunk.index, chunk.finish)
            self._is_answer = self._is_answer or chunk.is_answer
        elif isinstance(chunk, Usage):
            self.usage = chunk
            self._is_answer = self._is_answer or chunk.reasoning_tokens > 0
        elif isinstance(chunk, Served):
            self.served = chunk.model[:MOST_NAME_CHARS]
        return False

    @property
    def is_whole(self) -> bool:
        """True when every choice has ended, and it is an answer: only the usage may still be missing."""
        return len(self._finishes) >= self._choices and self._is_kept

    @property
    def is_cut(self) -> bool:
        """True when a choice ended at the output limit."""
        return Finish.LENGTH in self._finishes.values()

    @property
    def is_billed(self) -> bool:
        """True when every choice has ended and the usage has been reported."""
        return self.is_whole and self.usage is not None

    @property
    def _is_kept(self) -> bool:
        return self._is_answer or bool(self.events)

    def finish(self) -> None:
        """Append the end of each choice, once. A choice without a reported end gets one by its content.

        An answer may be without content: after reasoning, at the output limit, at a stop sequence of the request, or as
        a refusal. Raises EmptyAnswer for any other end without content.
        """
        if not self._is_kept:
            raise EmptyAnswer
        if not self.events and not self._finishes:
            self._finishes[0] = Finish.STOP
        if len(self._finishes) < self._choices:
            deltas = [event for event in self.events if isinstance(event, Delta)]
            with_calls = {delta.index for delta in deltas if delta.tool_calls}
            for delta in deltas:
                self._finishes.setdefault(delta.index, Finish.TOOL_CALLS if delta.index in with_calls else Finish.STOP)
        self.events += [Finished(finish, index) for index, finish in sorted(self._finishes.items())]

    def _check(self, event: ContentEvent) -> None:
        if not 0 <= event.index < self._choices:
            raise Garbled(f"choice {event.index} of {self._choices}")

    def _add_delta(self, delta: Delta) -> bool:
        if delta.thinking:
            self._is_answer = True
            self._left_thinking_chars -= len(delta.thinking)
            self.thoughts.append(delta.thinking)
        if delta.is_content:
            self._left_chars -= _EVENT_CHARS + len(delta.text)
            for call in delta.tool_calls:
                self._left_chars -= _CALL_CHARS + len(call.id) + len(call.name) + len(call.arguments)
        if self._left_chars < 0 or self._left_thinking_chars < 0:
            raise Garbled("an answer without an end")
        if delta.is_content:
            self.events.append(delta)
            return True
        return False


def text_of(events: Iterable[ContentEvent]) -> str:
    """Return all content as one text, arguments of tool calls included: for counting tokens."""
    texts: list[str] = []
    for event in events:
        if isinstance(event, Delta):
            texts.append(event.text)
            texts += [call.arguments for call in event.tool_calls]
    return "".join(texts)


def choices_of(events: Iterable[ContentEvent]) -> tuple[Choice, ...]:
    """Return the choices in order; one that ended without content is there, empty."""
    found: defaultdict[int, _ChoiceParts] = defaultdict(_ChoiceParts)
    for event in events:
        found[event.index].add(event)
    return tuple(found[index].choice() for index in range(max(found, default=-1) + 1))


@dataclass(slots=True)
class _CallParts:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _ChoiceParts:
    texts: list[str] = field(default_factory=list)
    calls: dict[int, _CallParts] = field(default_factory=dict)
    finish: Finish | None = None

    def add(self, event: ContentEvent) -> None:
        if isinstance(event, Finished):
            self.finish = event.finish
            return
        self.texts.append(event.text)
        for piece in event.tool_calls:
            call = self.calls.setdefault(piece.position, _CallParts())
            call.id, call.name = call.id or piece.id, call.name or piece.name
            call.arguments.append(piece.arguments)

    def choice(self) -> Choice:
        calls = (ToolCall(call.id, call.name, "".join(call.arguments)) for _, call in sorted(self.calls.items()))
        return Choice("".join(self.texts), tuple(calls), self.finish)


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last item of the stream. An `error` means that nothing was charged."""

    error: Exception | None = None


StreamItem: TypeAlias = Event | StreamEnd


class AnswerStream:
    """The contents shown to the reader, in order, and the position up to which the reader took their events.

    The events themselves stay in the contents: nothing is copied on the way to the reader.
    """

    def __init__(self) -> None:
        self._shown: list[AttemptContent] = []
        self._current = 0  # index in `_shown` of the content that the reader is at
        self._taken = 0  # events of it that the reader took
        self._end: StreamEnd | None = None
        self._frozen = False
        self._arrived = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        """True when there is content for the reader, taken or not."""
        return bool(self._shown)

    @property
    def offer(self) -> Offer | None:
        """The offer that answers; None before the first content."""
        return self._shown[-1].offer if self._shown else None

    def show(self, content: AttemptContent) -> None:
        """Go on with `content`. Where other content came before it, the reader gets a Restart first."""
        self._shown.append(content)

    def notify(self) -> None:
        """Wake the reader: the content that is shown has a new event."""
        self._arrived.set()

    def freeze(self) -> None:
        """Deliver no more events, only the end: the position stays as it is."""
        self._frozen = True

    def end(self, error: Exception | None) -> None:
        """Add the last item."""
        self._end = StreamEnd(error)
        self._arrived.set()

    async def next(self) -> StreamItem:
        """Wait for the next item, and take it."""
        while (item := self._take()) is None:
            self._arrived.clear()
            await self._arrived.wait()
        return item

    async def last(self) -> StreamEnd:
        """Wait for the end without taking any event."""
        while self._end is None:
            self._arrived.clear()
            await self._arrived.wait()
        return self._end

    def taken(self, content: AttemptContent) -> Sequence[ContentEvent]:
        """Return the events of `content` that the reader took; none while the Restart before them is not taken."""
        if not self._shown or self._shown[self._current] is not content:
            return ()
        return content.events[: self._taken]

    def _take(self) -> StreamItem | None:
        if self._shown and not self._frozen:
            events = self._shown[self._current].events
            if self._taken < len(events):
                self._taken += 1
                return events[self._taken - 1]
            if self._current + 1 < len(self._shown):
                self._current, self._taken = self._current + 1, 0
                offer = self._shown[self._current].offer
                return Restart(offer.provider, offer.model)
        return self._end
