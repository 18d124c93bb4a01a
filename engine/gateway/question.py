"""Question: a request with everything that its answer is made for and with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from engine.attempt_record import Receipt
from engine.catalog.offers import Model
from engine.chat import ChatRequest, Completion
from engine.ports import CaptureStep
from engine.routing.plan import Route

Finisher: TypeAlias = Callable[[Completion, Receipt], Awaitable[CaptureStep]]
"""Awaited when the answer is whole or stopped; the step that it returns runs in the capture's transaction."""


Approval: TypeAlias = Callable[[Model, Route], None]
"""Called when the hold stands, before the first network call. It raises to end the request: nothing is charged then."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a tenant, and the route planned for it.

    `tenant_id` None: a probe at the operator's cost. `input_ceiling_tokens` is the input that was held for.
    `can_restart`: the reader can take back content that it has shown.
    """

    tenant_id: int | None
    request: ChatRequest
    route: Route
    input_ceiling_tokens: int
    finish: Finisher | None = None
    can_restart: bool = True
