"""AnswerStream: the events that the reader of an answer takes, from one attempt after another."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from engine.catalog.offers import Offer
from engine.chat import Event, Restart
from engine.gateway.attempt_content import AttemptContent, ContentEvent


class StreamEnd(Struct, frozen=True):
    """The last item of the stream. If it has an `error`, nothing was charged."""

    error: Exception | None = None


StreamItem: TypeAlias = Event | StreamEnd


class AnswerStream:
    """The contents that are shown to the reader, in order, and the position up to which the reader took their events.

    The events stay in the contents: nothing is copied. Reasoning is held back until content follows, or until the
    reader opens the stream. If an attempt fails after reasoning alone, the next one follows without a Restart.
    """

    def __init__(self) -> None:
        self._shown: list[AttemptContent] = []
        # for each of `_shown`: True if it has content, False if only its reasoning is shown
        self._begun: list[bool] = []
        self._current = 0  # index in `_shown` of the content that the reader is reading
        self._taken = 0  # number of its events that the reader took
        self._thinking: AttemptContent | None = None  # the attempt whose reasoning is passed on once the stream is open
        self._is_open = False
        self._end: StreamEnd | None = None
        self._frozen = False
        self._arrived: asyncio.Event | None = None  # once the reader has waited
        self._ended: asyncio.Event | None = None  # likewise
        self._is_late = False

    @property
    def has_begun(self) -> bool:
        """True if there is content for the reader, taken or not."""
        return any(self._begun)

    @property
    def offer(self) -> Offer | None:
        """The offer that is answering; None before the first content, or on an open stream the first reasoning."""
        return self._shown[-1].offer if self._shown else None

    def open(self) -> None:
        """Pass reasoning on immediately from now on: the reader has begun its response and waits for content."""
        self._is_open = True
        if self._thinking is not None:
            self.show_thinking(self._thinking)

    def show(self, content: AttemptContent) -> None:
        """Continue with `content`. If other content was shown before, the reader gets a Restart first."""
        if self._shown and self._shown[-1] is content:
            self._begun[-1] = True
        else:
            self._shown.append(content)
            self._begun.append(True)

    def show_thinking(self, content: AttemptContent) -> None:
        """Pass on the reasoning of `content`, unless another attempt's reasoning or content is shown already."""
        if self._thinking is None:
            self._thinking = content
        if not self._is_open or self._thinking is not content or self.has_begun:
            return
        if not self._shown or self._shown[-1] is not content:
            self._shown.append(content)
            self._begun.append(False)
        self.notify()

    def withdraw(self, content: AttemptContent) -> None:
        """Stop passing on the reasoning of `content`: its attempt has failed."""
        if self._thinking is content:
            self._thinking = None

    def notify(self) -> None:
        """Wake the reader: the shown content has a new event."""
        if self._arrived is not None:
            self._arrived.set()

    def freeze(self) -> None:
        """Deliver no further event, only the end. The reader's position stays where it is."""
        self._frozen = True

    def end(self, error: Exception | None) -> None:
        """Add the last item, with the error if there is one."""
        self._end = StreamEnd(error)
        if self._ended is not None:
            self._ended.set()
        self.notify()

    async def _wait(self) -> None:
        """Wait until `notify` is called."""
        self._arrived = self._arrived or asyncio.Event()
        self._arrived.clear()
        await self._arrived.wait()

    async def next(self) -> StreamItem:
        """Wait for the next item, and take it."""
        while (item := self._take()) is None:
            await self._wait()
        return item

    async def next_events(self, most: int, seconds: float) -> list[Event] | StreamEnd | None:
        """Take up to `most` events, or the end; return None if neither comes within `seconds`."""
        if (found := self.take_ready(most) or self._end) is not None:
            return found
        self._is_late = False
        timer = asyncio.get_running_loop().call_later(seconds, self._stop_waiting)
        try:
            while not (found := self.take_ready(most) or self._end) and not self._is_late:
                await self._wait()
        finally:
            timer.cancel()
        return found

    def _stop_waiting(self) -> None:
        self._is_late = True  # a flag: the loop's clock may be a rounding error short of the time now
        self.notify()

    def take_ready(self, most: int) -> list[Event]:
        """Take up to `most` events that are there already, without waiting."""
        found: list[Event] = self._take_events(most)
        while len(found) < most and (item := self._take()) is not None and not isinstance(item, StreamEnd):
            found.append(item)
            found += self._take_events(most - len(found))
        return found

    def _take_events(self, most: int) -> list[Event]:
        """Take up to `most` events of the content that the reader is reading."""
        if self._frozen or not self._shown or not self._begun[self._current]:
            return []
        events = self._shown[self._current].events[self._taken : self._taken + most]
        self._taken += len(events)
        return [*events]

    async def last(self) -> StreamEnd:
        """Wait for the end without taking any event."""
        if self._end is None:
            self._ended = self._ended or asyncio.Event()
            await self._ended.wait()
        assert self._end is not None
        return self._end

    def taken(self, content: AttemptContent) -> Sequence[ContentEvent]:
        """Return the events of `content` that the reader took; none if the Restart before them was not taken."""
        if not self._shown or self._shown[self._current] is not content:
            return ()
        return content.events[: self._taken]

    def _take(self) -> StreamItem | None:
        while self._shown and not self._frozen:
            events, is_last = self._shown[self._current].events, self._current + 1 == len(self._shown)
            has_begun = self._begun[self._current]
            if self._taken < len(events) and (has_begun or is_last):
                self._taken += 1
                return events[self._taken - 1]
            if is_last:
                break
            self._current, self._taken = self._current + 1, 0
            if has_begun:
                offer = self._shown[self._current].offer
                return Restart(offer.provider, offer.model)
        return self._end
