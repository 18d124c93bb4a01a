"""ChatEndpoint: a path that answers prompts: an ASGI app without FastAPI, because it has the most traffic."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from string import punctuation
from urllib.parse import quote

from msgspec.structs import replace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from engine.attempt_record import Receipt
from engine.chat import LIVE, WHOLE
from engine.completion import Completion
from engine.errors import EngineError
from engine.gateway.answer import Answer
from engine.gateway.gateway import Gateway
from engine.gateway.question import Finisher
from engine.ports import CaptureStep
from engine.tenancy import Charge, Tenant
from storage.database.connection import Connection
from web import errors
from web.auth import Caller
from web.pipeline.body import parse_body
from web.pipeline.call_limits import check_calls
from web.pipeline.conversation_ids import ConversationIds
from web.pipeline.event_stream import MOST_JOINED, SILENCE_SECONDS, EventStream, when_gone
from web.pipeline.family import Family, FamilyRequest, Origin, replay
from web.pipeline.idempotency import ClaimedKey, IdempotencyKeys
from web.pipeline.several import SeveralAnswers, several_answers
from web.requests.cors import Headers
from web.requests.middleware import RequestHead
from web.requests.unexpected import unexpected

log = logging.getLogger(__name__)
_JSON: Headers = [(b"content-type", b"application/json")]
_EVENTS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True)
class Prompting:
    """The parts that all endpoints share. `silence_seconds`: a stream gets a comment after this time without events."""

    gateway: Gateway
    idempotency_keys: IdempotencyKeys
    conversations: ConversationIds = field(default_factory=lambda: ConversationIds(time.monotonic))
    silence_seconds: float = SILENCE_SECONDS


@dataclass(slots=True)
class _Call:
    """One request, its sender, the Idempotency-Key that it has claimed, and its connection."""

    tenant: Tenant
    asked: FamilyRequest
    claimed: ClaimedKey | None
    scope: Scope
    receive: Receive
    send: Send

    def finisher(self) -> Finisher | None:
        """Return the steps of the capture: the family's own, then storing the answer under the Idempotency-Key."""
        own, claimed = self.asked.finish, self.claimed
        if claimed is None:
            return own

        async def finish(completion: Completion, receipt: Receipt) -> CaptureStep:
            first = await own(completion, receipt) if own is not None else None

            def store(conn: Connection, charge: Charge) -> None:
                if first is not None:
                    first(conn, charge)
                claimed.store(conn, replay(self.asked, completion, charge), _stored_headers(self.asked, completion))

            return store

        return finish


async def answered(
    request: Request,
    respond: Callable[[Request, str], Awaitable[Response]],
    problem: Callable[[errors.HttpProblem, str], Response],
) -> Response:
    """Return the response of `respond`, which gets the request's id; `problem` builds the response of a failure."""
    request_id: str = request.state.head.request_id
    try:
        response = await respond(request, request_id)
    except Exception as error:  # noqa: BLE001 - each has its response
        response = _failure(error, request_id, problem)
    response.headers["x-request-id"] = request_id
    return response


def _failure(error: Exception, request_id: str, problem: Callable[[errors.HttpProblem, str], Response]) -> Response:
    if isinstance(error, errors.HttpProblem):
        return problem(error, request_id)
    if isinstance(error, EngineError):
        return problem(errors.from_engine(error), request_id)
    if isinstance(error, ClientDisconnect):
        return Response(status_code=499)
    return problem(unexpected(error, request_id), request_id)


@dataclass(frozen=True, slots=True)
class ChatEndpoint:
    """An endpoint of one family. A failure before the first byte has a status; a later one is an event.

    `salt` differs between endpoints, so that an Idempotency-Key can't return another endpoint's answer.
    """

    prompting: Prompting
    family: Family
    salt: bytes = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head: RequestHead = scope["state"]["head"]
        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            response = await self._respond(head, scope, receive, send_noted)
        except Exception as error:
            if begun:
                raise
            response = _failure(error, head.request_id, self.family.problem)
        if response is not None:
            await response(scope, receive, send)

    async def _respond(self, head: RequestHead, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """Send the answer. Return a response instead if there is no answer to send, such as a replay or an error."""
        caller: Caller = scope["state"]["caller"]
        tenant, raw = caller.tenant, head.body
        assert tenant is not None
        origin = Origin(caller, head.request_id, int(time.time()))
        asked = self.family.read_plain(raw, origin) if head.is_plain_json else None
        if asked is None:
            asked = await self.family.read(parse_body(head.content_type, raw), origin)
            check_calls(asked.chat.messages)
        known = asked.chat.conversation
        conversation = known or self.prompting.conversations.of(tenant.id, asked.chat.messages, head.request_id)
        asked.chat = replace(asked.chat, conversation=conversation, pace=LIVE if asked.stream else WHOLE)
        key, claimed = head.headers.get(b"idempotency-key"), None
        if key is not None:
            name, salted = key.decode("latin-1"), self.salt + raw
            found = await self.prompting.idempotency_keys.claim(tenant.id, name, salted, head.request_id)
            if isinstance(found, Response):
                return found
            claimed = found
        call = _Call(tenant, asked, claimed, scope, receive, send)
        try:
            await (self._stream(call) if asked.stream else self._whole(call))
        except BaseException:
            if claimed is not None:
                await claimed.release()
            raise
        return None

    async def _whole(self, call: _Call) -> None:
        """Send the complete answer. With an Idempotency-Key it is completed even if the client disconnects."""
        asked = call.asked
        async with self._answering(call) as answer:
            forget = when_gone(call.scope, call.receive, answer.stop) if call.claimed is None else None
            try:
                completion = await answer.whole()
            finally:
                if forget is not None:
                    forget()
        if completion is None or completion.stopped:
            raise ClientDisconnect
        self._note(call, completion)
        body = asked.whole(completion, answer.charge)
        headers = [*_JSON, (b"content-length", b"%d" % len(body)), *_offer_headers(asked, answer)]
        await call.send({"type": "http.response.start", "status": 200, "headers": headers})
        await call.send({"type": "http.response.body", "body": body})

    async def _stream(self, call: _Call) -> None:
        """Send a stream.

        It starts with the first event, so that a failure before has its status, or after SILENCE_SECONDS.
        """
        asked, seconds = call.asked, self.prompting.silence_seconds
        release = None if call.claimed is None else call.claimed.release
        async with self._answering(call, can_restart=False) as answer:
            first = await answer.next_events(MOST_JOINED, seconds)
            headers = [*_EVENTS, *_offer_headers(asked, answer)]
            await call.send({"type": "http.response.start", "status": 200, "headers": headers})
            forget = None if release is not None else when_gone(call.scope, call.receive, answer.stop)
            try:
                stream = EventStream(answer, asked.encoder(), call.send, release=release, silence_seconds=seconds)
                await stream.run(first)
                self._note(call, answer.completion)
            finally:
                if forget is not None:
                    forget()

    def _note(self, call: _Call, completion: Completion | None) -> None:
        if completion is not None:
            self.prompting.conversations.answered(call.tenant.id, call.asked.chat.conversation, completion)

    def _answering(
        self, call: _Call, *, can_restart: bool = True
    ) -> AbstractAsyncContextManager[Answer | SeveralAnswers]:
        gateway, asked = self.prompting.gateway, call.asked
        if asked.more:
            return several_answers(gateway, call.tenant, (asked.chat, *asked.more), call.finisher())
        return gateway.answer(call.tenant, asked.chat, finish=call.finisher(), can_restart=can_restart)


def header_text(name: str) -> str:
    """Return a model's name for a header. Characters that no header can carry are percent-encoded."""
    return quote(name, safe=punctuation.replace("%", ""))


def _offer_headers(asked: FamilyRequest, answer: Answer | SeveralAnswers) -> Headers:
    if answer.offer is None:
        return []
    return list(_encoded(*answer.offer, (*asked.ignored, *answer.ignored)))


@lru_cache(maxsize=1024)
def _encoded(provider: str, model: str, ignored: tuple[str, ...]) -> tuple[tuple[bytes, bytes], ...]:
    found = served_by(provider, model, ignored)
    return tuple([(name.encode(), value.encode("latin-1")) for name, value in found.items()])


def _stored_headers(asked: FamilyRequest, completion: Completion) -> Mapping[str, str]:
    kind = "text/event-stream" if asked.stream else "application/json"
    ignored = (*asked.ignored, *completion.ignored)
    return {"content-type": kind, **served_by(completion.provider, completion.model, ignored)}


def served_by(provider: str, model: str, ignored: Sequence[str] = ()) -> dict[str, str]:
    """Return headers that name the provider, the model, and the fields of the request that were ignored."""
    headers = {"x-farthing-provider": provider, "x-farthing-model": header_text(model)}
    return {**headers, "x-farthing-ignored": ", ".join(ignored)} if ignored else headers
