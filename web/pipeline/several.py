"""SeveralAnswers: the answers to the prompts of one request, read as one answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import msgspec

from engine.attempt_record import Receipt
from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Delta, Event, Finished, Usage
from engine.completion import Completion
from engine.errors import EngineError
from engine.gateway.answer import Answer
from engine.gateway.gateway import Gateway
from engine.gateway.question import Finisher, Question, Siblings
from engine.money import Money
from engine.ports import CaptureStep
from engine.tenancy import Charge, Tenant

_CAPTURE_SECONDS, _POLL_SECONDS = 10, 0.005


@dataclass(slots=True, eq=False)
class SeveralAnswers:
    """The events of all answers, one answer after the other, with consecutive numbers for their choices.

    Either all are charged or none. `finish` gets the joined completion once, in the capture of the last answer.
    """

    choices: int
    finish: Finisher | None = None
    answers: list[Answer] = field(default_factory=list)
    _completions: dict[int, Completion] = field(default_factory=dict)
    _charges: dict[int, Charge] = field(default_factory=dict)
    _current: int = 0
    _finished: int = 0

    @property
    def offer(self) -> Offer | None:
        return self.answers[0].offer

    @property
    def ignored(self) -> tuple[str, ...]:
        return self.answers[0].ignored

    @property
    def question(self) -> Question:
        return self.answers[0].question

    @property
    def completion(self) -> Completion | None:
        """Return all answers as one completion; None while an answer is still missing."""
        found = [answer.completion for answer in self.answers]
        whole = [each for each in found if each is not None]
        return joined(whole, self.choices) if len(whole) == len(found) else None

    @property
    def charge(self) -> Charge:
        return total([answer.charge for answer in self.answers])

    async def next_events(self, most: int, seconds: float) -> Sequence[Event] | None:
        """Return the next events, an empty list at the end; None if neither comes within `seconds`.

        Raises the error of an answer that fails: none is charged then.
        """
        try:
            return await self._next(most, seconds)
        except EngineError:
            self.abort()
            raise

    async def _next(self, most: int, seconds: float) -> Sequence[Event] | None:
        while self._current < len(self.answers):
            number = self._current
            events = await self.answers[number].next_events(most, seconds)
            if events is None:
                return None
            self._finished += sum(isinstance(event, Finished) for event in events)
            if not events or self._finished == self.choices:
                self._current, self._finished = number + 1, 0
            if events:
                return [_numbered(event, number * self.choices) for event in events]
        await self.whole()
        return []

    def stop(self) -> None:
        for answer in self.answers:
            answer.stop()

    def open(self) -> None:
        for answer in self.answers:
            answer.open()

    async def whole(self) -> Completion | None:
        """Wait for all answers. Raises the error of the first one that fails: none is charged then."""
        waiting = [asyncio.create_task(answer.whole()) for answer in self.answers]
        try:
            await asyncio.gather(*waiting)
        except EngineError:
            self.abort()
            raise
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return self.completion

    def abort(self) -> None:
        for answer in self.answers:
            answer.abort()

    def finisher(self, number: int) -> Finisher | None:
        """Return the finisher of one answer; the one captured last passes all of them to `finish`."""
        finish = self.finish
        if finish is None:
            return None

        async def finished(completion: Completion, receipt: Receipt) -> CaptureStep:
            self._completions[number] = completion
            if len(self._completions) < len(self.answers):
                return lambda _, charge: self._charges.update({number: charge})
            await self._others_charged()
            whole = [self._completions[each] for each in range(len(self.answers))]
            step = await finish(joined(whole, self.choices), receipt)
            return lambda conn, charge: step(conn, total([*self._charges.values(), charge]))

        return finished

    async def _others_charged(self) -> None:
        """Wait for the captures of all answers but the last. Raises TimeoutError."""
        async with asyncio.timeout(_CAPTURE_SECONDS):
            while len(self._charges) < len(self.answers) - 1:  # noqa: ASYNC110 - set by the writer's thread
                await asyncio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def several_answers(
    gateway: Gateway, tenant: Tenant, chats: Sequence[ChatRequest], finish: Finisher | None
) -> AsyncIterator[SeveralAnswers]:
    """Begin an answer to each prompt. If one is refused or fails later, none is charged."""
    siblings, several = Siblings(len(chats)), SeveralAnswers(chats[0].n, finish)
    async with AsyncExitStack() as stack:
        try:
            for number, chat in enumerate(chats):
                answering = gateway.answer(
                    tenant, chat, finish=several.finisher(number), can_restart=False, siblings=siblings
                )
                several.answers.append(await stack.enter_async_context(answering))
        except BaseException:
            several.abort()
            raise
        yield several


def joined(completions: Sequence[Completion], choices: int) -> Completion:
    """Return several answers as one: all choices, and the sum of their usage."""
    events = [_numbered(event, number * choices) for number, each in enumerate(completions) for event in each.events]
    return msgspec.structs.replace(
        completions[0],
        choices=tuple(choice for each in completions for choice in each.choices),
        usage=_sum([each.usage for each in completions]),
        stopped=any(each.stopped for each in completions),
        events=tuple(event for event in events if isinstance(event, Delta | Finished)),
        ignored=tuple(dict.fromkeys(name for each in completions for name in each.ignored)),
    )


def total(charges: Sequence[Charge]) -> Charge:
    nanousd = sum(charge.wallet.nanousd for charge in charges)
    return Charge(Money(nanousd), sum(charge.allowance_tokens for charge in charges))


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(
        sum(usage.input_tokens for usage in usages),
        sum(usage.output_tokens for usage in usages),
        sum(usage.cached_tokens for usage in usages),
        sum(usage.cache_write_tokens for usage in usages),
        sum(usage.reasoning_tokens for usage in usages),
        estimated=any(usage.estimated for usage in usages),
    )


def _numbered(event: Event, first: int) -> Event:
    """Return an event with the number of its choice counted from `first` on."""
    if isinstance(event, Delta):
        return msgspec.structs.replace(event, index=first + event.index)
    return replace(event, index=first + event.index) if isinstance(event, Finished) else event
