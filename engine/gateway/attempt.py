"""Attempt: one call of a provider, in a task of its own."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from engine.catalog.prefix_caching import CACHE_ON_REQUEST, caching_pays
from engine.chat import Chunk
from engine.errors import FirstTokenLate, ProviderError, StreamCut, Unreachable, WentSilent
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.attempt_content import AttemptContent
from engine.gateway.billed_attempt import BilledAttempt
from engine.gateway.rejections import fetches_pictures
from engine.ports import ProviderCall
from engine.providers.mending.json_check import schema_to_check
from engine.routing.permits import patience_seconds

# longest wait for the usage after the last content: some providers neither send an end marker nor close
_TAIL_SECONDS = 2.0
_TIMER_SLACK = 1.1  # a silence is noticed late by up to this factor, because the timer is not reset for each delta
LONGEST_SECONDS = 900.0  # longest duration of one answer, against a provider that sends reasoning without end


async def ended(task: asyncio.Task[None]) -> None:
    """Wait for the end of `task`. Cancelling the waiter does not cancel the task."""
    if task.done():
        return
    waiter = asyncio.get_running_loop().create_future()

    def wake(_: asyncio.Task[None]) -> None:
        if not waiter.done():
            waiter.set_result(None)

    task.add_done_callback(wake)
    try:
        await waiter
    finally:
        task.remove_done_callback(wake)


async def uninterrupted(task: asyncio.Task[None]) -> None:
    """Wait for the end of `task` even if the caller is cancelled; then raise that cancellation, or the task's error."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await ended(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    if not task.cancelled():
        task.result()


def _set(event: asyncio.Event | None) -> None:
    if event is not None:
        event.set()


@dataclass(slots=True, eq=False)
class Attempt(BilledAttempt):
    """One call of a provider. Its task continues when a waiter is cancelled; `close` ends it.

    The task raises the ProviderError that ended it; the content received until then stays in `content`. Events go to
    `stream`, which is None if no reader waits for them. When one attempt brings content first, its `rivals` are
    detached.
    """

    stream: AnswerStream | None = None
    rivals: tuple["Attempt", ...] = ()
    is_shown: bool = False
    _patience_seconds: float = field(init=False)
    _timer: asyncio.Timeout = field(init=False)
    _times_out_at: float = 0.0
    _ends_at: float = 0.0
    _is_alive: bool = False
    _was_whole: bool = False
    _shown_or_done: asyncio.Event | None = None  # once it was waited for
    _chunk_or_done: asyncio.Event | None = None  # likewise

    def __post_init__(self) -> None:
        request, clock = self.question.request, self.market.clock
        schema = schema_to_check(self.provider, self._call()) if request.options.wants_json else None
        most_tokens = self.output_tokens * request.n
        joins = request.pace.joins_texts
        self.content = AttemptContent(self.quote.offer, request.n, most_tokens, schema, joins_texts=joins)
        self.started_at, self._started_seconds = clock.now(), clock.monotonic()
        effort = request.options.reasoning_effort
        self._patience_seconds = patience_seconds(self.market.policy, self.quote.offer.model, effort)
        self.market.health.expect_thinking(self.permit, effort)
        if request.has_pictures and fetches_pictures(request):
            self.market.health.expect_fetch(self.permit)
        self.task = asyncio.create_task(self._run(), name=f"{self.quote.offer.name} for {request.id}")

    @property
    def has_failed(self) -> bool:
        return self.task.done() and self.task.exception() is not None

    # --- waiting ------------------------------------------------------------------------------------

    async def outcome(self) -> ProviderError | None:
        """Wait for the end. Return None for an answer, or the ProviderError. Any other error is raised."""
        await ended(self.task)
        error = self.task.exception()
        if error is None or isinstance(error, ProviderError):
            return error
        raise error

    async def shown_or_done(self, seconds: float | None = None) -> bool:
        """Wait until its content is shown or it has ended. Return False if neither happens within `seconds`."""
        if self.is_shown or self.task.done():
            return True
        self._shown_or_done = self._shown_or_done or asyncio.Event()
        try:
            async with asyncio.timeout(seconds):
                await self._shown_or_done.wait()
        except TimeoutError:
            return False
        return True

    async def bill(self, seconds: float) -> None:
        """Wait up to `seconds` for the usage after the last content; return at once if the answer continues."""
        deltas, self._chunk_or_done = self.content.deltas, self._chunk_or_done or asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (self.task.done() or self.content.deltas > deltas or self.content.is_billed):
                    self._chunk_or_done.clear()
                    await self._chunk_or_done.wait()

    def detach(self) -> None:
        """Send no more events to the reader; the call continues."""
        self.stream = None

    async def close(self) -> None:
        """Detach, close the connection, and return when it is closed."""
        self.detach()
        self.task.cancel()
        await ended(self.task)
        if not self.task.cancelled():
            self.task.exception()  # retrieve the exception, so that asyncio does not log it

    async def _run(self) -> None:
        try:
            await self._stream()
            self.content.finish()
            self._notify()
        finally:
            if self.stream is not None and not self.is_shown:
                self.stream.withdraw(self.content)
            _set(self._shown_or_done)
            _set(self._chunk_or_done)

    async def _stream(self) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds) as self._timer:
                await self.provider.stream(self._call(), self)
        except TimeoutError:
            if not self.content.is_whole:
                late = WentSilent if self._is_alive else FirstTokenLate
                seconds = self.market.policy.idle_seconds if self._is_alive else self._patience_seconds
                raise late(f"nothing for {seconds:g} s") from None
        except ProviderError as error:
            if self.content.is_whole:  # an error or invalid data after the complete answer does not spoil it
                return
            if self._is_alive and isinstance(error, Unreachable | StreamCut) and self._was_silent:
                raise WentSilent(error.detail) from error
            if self._is_alive and isinstance(error, Unreachable):
                raise StreamCut(error.detail) from error
            raise

    # --- the sink of the provider's answer ------------------------------------------------------------

    def taken(self) -> None:
        """Note that the provider has taken the request and bills its input."""
        self.is_taken = True
        self._ends_at = asyncio.get_running_loop().time() + LONGEST_SECONDS

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Take the chunks of one network read. Content and reasoning reset the idle timeout, comments do not."""
        content = self.content
        deltas, known_events, has_content = content.deltas, len(content.events), content.add_all(chunks)
        self._extend_timeout(has_deltas=content.deltas > deltas)
        if content.deltas and not self._is_alive:
            self._is_alive = True
            self.market.health.first_token(self.permit)
        if has_content:
            if self.first_token_ms is None:
                self.first_token_ms = self.elapsed_ms
            self._notify()
        elif len(content.events) > known_events:
            self._notify_thinking()
        _set(self._chunk_or_done)

    def _extend_timeout(self, *, has_deltas: bool) -> None:
        """Set the timeout: for the usage if the answer is complete, else for the longest permitted silence."""
        now, idle_seconds = asyncio.get_running_loop().time(), self.market.policy.idle_seconds
        was_whole, self._was_whole = self._was_whole, self.content.is_whole
        if self._was_whole and not was_whole:
            self._set_timeout(now + min(_TAIL_SECONDS, idle_seconds))
        elif has_deltas and self._times_out_at < now + idle_seconds:
            self._set_timeout(min(self._ends_at, now + idle_seconds * _TIMER_SLACK))

    @property
    def _was_silent(self) -> bool:
        """Whether the last delta came over half of the permitted silence ago: the reader has waited for nothing."""
        idle_seconds = self.market.policy.idle_seconds
        last_delta_at = self._times_out_at - idle_seconds * _TIMER_SLACK
        return asyncio.get_running_loop().time() > last_delta_at + idle_seconds / 2

    def _set_timeout(self, at: float) -> None:
        if not self._timer.expired():
            self._times_out_at = at
            self._timer.reschedule(at)

    def _notify_thinking(self) -> None:
        """Pass new reasoning to the stream, which may hold it back."""
        if self.is_shown:
            self._notify()
        elif self.stream is not None:
            self.stream.show_thinking(self.content)

    def _notify(self) -> None:
        """Tell the stream that there is a new event."""
        if self.stream is not None:
            if not self.is_shown:
                self._show(self.stream)
            self.stream.notify()

    def _show(self, stream: AnswerStream) -> None:
        for rival in self.rivals:
            rival.detach()
        self.rivals, self.is_shown = (), True
        stream.show(self.content)
        _set(self._shown_or_done)

    def _call(self) -> ProviderCall:
        request, model = self.question.request, self.quote.offer.model
        asks_cache = bool(request.conversation) and self.provider.dialect in CACHE_ON_REQUEST
        return ProviderCall(request, model, self.output_tokens, self.permit.key, asks_cache and self._caching_pays())

    def _caching_pays(self) -> bool:
        question, now = self.question, self.market.clock.now()
        forecast = self.market.catalog.forecast
        return caching_pays(forecast, question.request.conversation, question.asker_id, self.quote, now)
