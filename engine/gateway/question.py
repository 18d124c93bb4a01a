"""Question: a request with all facts that its answer needs. Siblings: answers that belong together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.attempt_record import Receipt
from engine.catalog.offers import Model
from engine.chat import ChatRequest
from engine.completion import Completion
from engine.ports import CaptureStep
from engine.routing.plan import Route

Finisher: TypeAlias = Callable[[Completion, Receipt], Awaitable[CaptureStep]]
"""Awaited when the answer is whole or stopped; the step that it returns runs in the capture's transaction."""


Approval: TypeAlias = Callable[[Model, Route, int], None]
"""Called with the tenant that pays when the hold stands, before the first network call.

It raises to end the request: nothing is charged then.
"""


@dataclass(slots=True, eq=False)
class Siblings:
    """The answers to the prompts of one request. Each waits until all are complete, so that none is charged alone."""

    number: int
    _whole: int = 0
    _error: Exception | None = None
    _decided: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> None:
        """Wait until all are complete. Raises the error of the first one that failed."""
        self._whole += 1
        if self._whole == self.number:
            self._decided.set()
        await self._decided.wait()
        if self._error is not None:
            raise self._error

    def fail(self, error: Exception) -> None:
        """Let all fail with the error of one, unless all are complete already."""
        if not self._decided.is_set():
            self._error = error
            self._decided.set()


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a tenant, and the route planned for it.

    `tenant_id` pays; None: a probe at the operator's cost. `input_ceiling_tokens`: the input that the hold covers.
    `can_restart`: the reader can replace content that it has shown. `siblings`: answers that are kept together with
    this one or not at all. `member_id`: the tenant that asks, if a team or group pays.
    """

    tenant_id: int | None
    request: ChatRequest
    route: Route
    input_ceiling_tokens: int
    finish: Finisher | None = None
    can_restart: bool = True
    siblings: Siblings | None = None
    member_id: int | None = None

    @property
    def asker_id(self) -> int | None:
        """The tenant that asks, whose habits the answer teaches."""
        return self.tenant_id if self.member_id is None else self.member_id


def uncancel() -> None:
    """Clear a cancellation, so that the current task can continue."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
