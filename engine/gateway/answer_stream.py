"""Showing: what the reader of an answer gets to see, and how much of it was taken."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.catalog.offers import Offer
from engine.chat import Delta, Event, Finished, Restart
from engine.gateway.collected import Collected
from engine.gateway.trial import Trial


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last of the events. Nothing was charged when there is an error."""

    error: Exception | None = None


Shown: TypeAlias = Event | StreamEnd


@dataclass(slots=True, eq=False)
class AnswerStream:
    """Events on their way from the trials to the reader. `delivered` is what the reader took."""

    delivered: Collected = field(default_factory=Collected)
    _events: asyncio.Queue[Shown] = field(default_factory=asyncio.Queue)
    _by: Trial | None = None
    _restarts_pending: int = 0

    @property
    def has_begun(self) -> bool:
        return self._by is not None

    @property
    def offer(self) -> Offer | None:
        """Whose words are shown; None before the first."""
        return self._by.quote.offer if self._by else None

    def put(self, trial: Trial, event: Delta | Finished) -> None:
        """The first word of a second try takes back those of the first."""
        if self._by is not trial and isinstance(event, Delta):
            if self._by is not None:
                offer = trial.quote.offer
                self._restarts_pending += 1
                self._events.put_nowait(Restart(offer.provider, offer.model))
            self._by = trial
        self._events.put_nowait(event)

    def end(self, error: Exception | None) -> None:
        self._events.put_nowait(StreamEnd(error))

    async def next(self) -> Shown:
        """The next event, which is thereby delivered."""
        event = await self._events.get()
        if isinstance(event, Restart):
            self.delivered = Collected()
            self._restarts_pending -= 1
        elif not isinstance(event, StreamEnd):
            self.delivered.add(event)
        return event

    async def last(self) -> StreamEnd:
        """The end, with nothing delivered on the way."""
        while not isinstance(event := await self._events.get(), StreamEnd):
            pass
        return event

    def was_heard(self, trial: Trial) -> bool:
        """True when the reader has words of this very trial."""
        return self.delivered.has_words and self._by is trial and not self._restarts_pending
