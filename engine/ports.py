"""The ports of the engine: interfaces that other packages implement."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from engine.attempt_record import AttemptRecord, Receipt
from engine.chat import ChatRequest, Chunk
from engine.embeddings import EmbeddingCall, Embeddings
from engine.holds import Grant, HoldRequest
from engine.money import Money
from engine.speech import Recording, SpeechText
from engine.tenancy import Charge

CaptureStep: TypeAlias = Callable[[Any, Charge], object]
"""A unit of work that runs in the transaction of the capture: (connection, charge)."""

VoidStep: TypeAlias = Callable[[Any], object]
"""A unit of work that runs in the transaction of the void: (connection)."""


class Clock(Protocol):
    """The current time, passed in: `now` in aware UTC, `monotonic` in seconds."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


class ProviderCall(Struct, frozen=True):
    """One request to one provider: `model` is the provider's name for it, `output_tokens` is per choice.

    `caches_prefix`: the provider is asked to cache the prompt, if it does so on request only.
    """

    request: ChatRequest
    model: str
    output_tokens: int
    key: int = 0
    caches_prefix: bool = False


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """The rate-limit headers of a response: the remaining quotas and when they reset; None if a header is absent."""

    requests_left: int | None = None
    requests_reset_seconds: float | None = None
    tokens_left: int | None = None
    tokens_reset_seconds: float | None = None


class AnswerSink(Protocol):
    """Receives the answer to one call while it arrives. If a method raises, the call ends with that error."""

    def taken(self) -> None:
        """Note that the response's headers have arrived: the provider has accepted the request."""
        ...

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Receive the chunks of one network read."""
        ...


class Provider(Protocol):
    """A provider at an address, in a dialect. API keys are numbered from 0."""

    @property
    def name(self) -> str: ...
    @property
    def keys(self) -> int:
        """The number of API keys; 0: not configured. A server that needs no key counts as having one."""
        ...

    @property
    def dialect(self) -> str:
        """The name of the wire format."""
        ...

    @property
    def close_stops_bill(self) -> bool:
        """True if closing the connection stops the bill."""
        ...

    async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:
        """Pass the answer to `sink`, and return after the dialect's proper end. Raises a ProviderError.

        A caller that is cancelled closes the connection.
        """
        ...

    def ignored(self, call: ProviderCall) -> tuple[str, ...]:
        """Return the names of the request's fields that this dialect can't send unchanged."""
        ...

    def checks_schema(self, call: ProviderCall) -> bool:
        """Return True if the provider does not enforce the JSON schema of the request."""
        ...

    def limits(self, key: int) -> LimitHeaders | None:
        """Return the rate-limit headers of the latest response for this API key."""
        ...

    async def probe(self, key: int = 0) -> None:
        """Check the network and the API key by a free request. Raises a ProviderError."""
        ...

    async def aclose(self) -> None: ...


class SpeechProvider(Protocol):
    """A provider that transcribes speech."""

    @property
    def name(self) -> str: ...
    @property
    def keys(self) -> int: ...
    async def transcribe(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        """Return the text of `recording`. Raises a ProviderError. The caller limits the time."""
        ...

    def limits(self, key: int) -> LimitHeaders | None: ...


class EmbeddingProvider(Protocol):
    """A provider that makes embeddings."""

    @property
    def most_embedding_inputs(self) -> int:
        """The most inputs of one call."""
        ...

    @property
    def most_embedding_bytes(self) -> int:
        """The most UTF-8 bytes of all texts of one call; a call with a single text may have more."""
        ...

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        """Return a vector for each input. Raises a ProviderError. The caller limits the time."""
        ...

    def limits(self, key: int) -> LimitHeaders | None: ...


class Bill(Struct, frozen=True):
    """The bill of the answer that was kept: `tokens` as reported, `cost_atto` unrounded.

    `receipt` None: /why continues to show the answer before.
    """

    attempt: AttemptRecord
    tokens: int
    cost_atto: int
    receipt: Receipt | None


class Hold(Protocol):
    """Money held for one answer. It is captured or voided at most once."""

    @property
    def id(self) -> str: ...
    @property
    def grant(self) -> Grant: ...

    async def capture(self, bill: Bill, also: CaptureStep | None = None) -> Charge:
        """Charge, journal the kept attempt and run `also`, in one transaction. Raises HoldLost if the hold expired."""
        ...

    async def void(self, also: VoidStep | None = None) -> None:
        """Release the money; does nothing if the hold is already captured or void."""
        ...


class Ledger(Protocol):
    def hold(self, hold_request: HoldRequest) -> AbstractAsyncContextManager[Hold]:
        """Return a committed hold that is voided on exit unless it was captured.

        Raises InsufficientFunds, DailyAnswersUsed or HoldLost.
        """
        ...

    async def answers_today(self, tenant_id: int) -> int:
        """Return the number of the tenant's answers of this UTC day, including those that are running."""
        ...


class AdmissionCheck(Protocol):
    """A check by the operator's own rules before each new answer. Raises a Refused."""

    async def check(self) -> None: ...


class Losses(Protocol):
    """The operator's loss on a model today; negative if the operator has earned money."""

    async def lost_today(self, model: str) -> Money: ...


class AttemptObserver(Protocol):
    """Metrics or traces of attempts. It returns without delay and never raises."""

    def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str, /) -> None:
        """Observe an attempt after it was journaled. `operation`: chat, embeddings or transcription.

        `finishes`: the finish reason of each choice of a kept answer.
        """
        ...


class Journal(Protocol):
    def record(self, attempt: AttemptRecord) -> Awaitable[None]:
        """Record an attempt that was not kept."""
        ...


@dataclass(frozen=True, slots=True)
class RequestWindow:
    """The limit of requests per minute of one tenant or API key, named by `kind` and id."""

    kind: str
    subject: int
    limit: int


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """A window with the ages of its requests in the last minute, oldest first."""

    window: RequestWindow
    ages_seconds: tuple[float, ...]


class FullWindow(Exception):
    """A window has no room for another request."""

    def __init__(self, counted: CountedWindow) -> None:
        super().__init__(f"{counted.window} is full")
        self.counted = counted


class RequestWindows(Protocol):
    """Counts requests per minute when several processes serve the same tenants."""

    async def count(self, windows: Sequence[RequestWindow]) -> Sequence[CountedWindow]:
        """Count one request in every window. If one is full, raises FullWindow and counts nothing."""
        ...
