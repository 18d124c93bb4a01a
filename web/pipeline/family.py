"""Family: reads requests in the shape of one API, and encodes answers in that shape."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from engine.chat import ChatRequest, Event
from engine.completion import Completion
from engine.gateway.question import Finisher
from engine.tenancy import Charge, Tenant
from web.auth import Caller
from web.errors import HttpProblem

KEEP_ALIVE = b": keep-alive\n\n"


class Origin(Struct, frozen=True):
    """The sender, id and time of a request; `created` is in whole seconds since 1970."""

    caller: Caller
    request_id: str
    created: int

    @property
    def tenant(self) -> Tenant:
        assert self.caller.tenant is not None
        return self.caller.tenant

    @property
    def tenant_id(self) -> int:
        return self.tenant.id


class StreamEncoder(ABC):
    """Encodes the events of one stream. Equal calls give equal bytes, so that a stream can be replayed."""

    keep_alive = KEEP_ALIVE

    @abstractmethod
    def begin(self, provider: str, model: str) -> bytes:
        """Return the bytes before the first event. Called once, before all other methods except `error`."""

    @abstractmethod
    def event(self, event: Event) -> bytes:
        """Return the bytes of one event, possibly none."""

    def events(self, events: Sequence[Event]) -> bytes:
        """Return the bytes of `events`, one after the other."""
        return b"".join(map(self.event, events))

    @abstractmethod
    def end(self, completion: Completion, charge: Charge) -> bytes:
        """Return the bytes after the last event, when the answer has been charged."""

    @abstractmethod
    def error(self, problem: HttpProblem) -> bytes:
        """Return the bytes that end a stream which failed after its start; nothing was charged then."""


class FamilyRequest(ABC):
    """One request of a family. `chat`: the question; `stream`: whether its answer is streamed.

    `more`: further questions of the same request, whose choices follow. `ignored`: the fields of the request that no
    provider gets. `finish`: a step of the family's own that runs with the capture.
    """

    chat: ChatRequest
    stream: bool
    more: tuple[ChatRequest, ...] = ()
    ignored: tuple[str, ...] = ()
    finish: Finisher | None = None

    @abstractmethod
    def whole(self, completion: Completion, charge: Charge) -> bytes:
        """Return the JSON body of a whole answer."""

    @abstractmethod
    def encoder(self) -> StreamEncoder:
        """Return a new encoder for the answer's stream."""


class Family(ABC):
    """The shape of one endpoint's requests, answers and errors."""

    def read_plain(self, raw: bytes, origin: Origin) -> FamilyRequest | None:  # noqa: ARG002 - for families with one
        """Read a request in the most common form, as `read` does; return None for any other request."""
        return None

    @abstractmethod
    async def read(self, body: Mapping[str, Any], origin: Origin) -> FamilyRequest:
        """Read a request. Raises BadRequest, another EngineError or HttpProblem."""

    @abstractmethod
    def problem(self, problem: HttpProblem, request_id: str) -> Response:
        """Return an error response in the family's shape."""


def replay(request: FamilyRequest, completion: Completion, charge: Charge) -> bytes:
    """Return the body of the answer as it was first sent, without keep-alive comments."""
    if not request.stream:
        return request.whole(completion, charge)
    encoder = request.encoder()
    begin = encoder.begin(completion.provider, completion.model)
    return begin + encoder.events(completion.events) + encoder.end(completion, charge)


def sse(data: str, event: str = "") -> bytes:
    """Return one server-sent event. A lone surrogate, which a provider may send, becomes a question mark."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {data}\n\n".encode(errors="replace")
