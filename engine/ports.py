"""What the engine asks of the world. Fakes live beside the tests; one contract suite runs on both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from engine.attempt_record import AttemptRecord, Receipt
from engine.chat import ChatRequest, Chunk
from engine.holds import Grant, HoldRequest
from engine.money import Money
from engine.speech import Recording, SpeechText
from engine.tenancy import Charge

CaptureStep: TypeAlias = Callable[[Any, Charge], object]
"""A face's unit of work, run in the transaction of the capture: (connection, charge)."""

VoidStep: TypeAlias = Callable[[Any], object]


class Clock(Protocol):
    """Time as an input: `now` is aware UTC, `monotonic` in seconds."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One request to one provider: `model` in the provider's own name, `output_tokens` per choice."""

    request: ChatRequest
    model: str
    output_tokens: int
    key: int = 0


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """The rate-limit headers of a response: quotas that are left and when they reset; None where absent."""

    requests_left: int | None = None
    requests_reset_seconds: float | None = None
    tokens_left: int | None = None
    tokens_reset_seconds: float | None = None


class Provider(Protocol):
    """A seller at an address, in a dialect.

    `stream` raises a ProviderError on entry or while iterating; the iterator ends only after the
    dialect's proper end. Leaving the context closes the socket. `key` of a ProviderCall counts from 0.
    """

    @property
    def name(self) -> str: ...
    @property
    def keys(self) -> int:
        """How many keys it has; 0 = not configured. A keyless server counts as one."""
        ...

    @property
    def close_stops_bill(self) -> bool:
        """True where closing the socket stops the bill."""
        ...

    def stream(self, call: ProviderCall) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]: ...
    def limits(self, key: int) -> LimitHeaders | None:
        """What the last response under this key said."""
        ...

    async def probe(self, key: int = 0) -> None:
        """The free probe: network and key only. Raises a ProviderError."""
        ...

    async def aclose(self) -> None: ...


class SpeechProvider(Protocol):
    """A provider that puts speech into writing."""

    @property
    def name(self) -> str: ...
    @property
    def keys(self) -> int: ...
    async def hear(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        """Raises a ProviderError. How long it may take is its caller's business."""
        ...

    def limits(self, key: int) -> LimitHeaders | None: ...


@dataclass(frozen=True, slots=True)
class Bill:
    """What the kept answer came to: `tokens` as reported, `cost_atto` unrounded."""

    attempt: AttemptRecord
    tokens: int
    cost_atto: int
    receipt: Receipt


class Hold(Protocol):
    """Money set aside for one answer. Resolves at most once."""

    @property
    def id(self) -> str: ...
    @property
    def grant(self) -> Grant: ...

    async def capture(self, bill: Bill, also: CaptureStep | None = None) -> Charge:
        """Charge, journal the kept attempt and run `also` in one transaction. Raises HoldLost if it expired."""
        ...

    async def void(self, also: VoidStep | None = None) -> None:
        """Give everything back. Harmless when already resolved."""
        ...


class Ledger(Protocol):
    def hold(self, hold_request: HoldRequest) -> AbstractAsyncContextManager[Hold]:
        """A committed hold, voided on the way out unless captured. Raises InsufficientFunds."""
        ...


class AdmissionCheck(Protocol):
    """A word of the operator's before each new answer. Raises a Refused."""

    async def check(self) -> None: ...


class Losses(Protocol):
    """What the house has lost on a model today; negative where it has earned."""

    async def lost_today(self, model: str) -> Money: ...


class Journal(Protocol):
    def record(self, attempt: AttemptRecord) -> Awaitable[None]:
        """Write down an attempt that was not kept."""
        ...
