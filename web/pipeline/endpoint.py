"""ChatEndpoint: a path that answers prompts; a plain Starlette route, without FastAPI, since it takes most traffic."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from string import punctuation
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from engine.attempt_record import Receipt
from engine.completion import Completion
from engine.errors import EngineError
from engine.gateway.answer import Answer
from engine.gateway.gateway import Gateway
from engine.gateway.question import Finisher
from engine.ports import CaptureStep
from engine.read_pace import LIVE, WHOLE
from engine.tenancy import Charge, Tenant
from storage.database.connection import Connection
from web import errors
from web.errors import SERVER_ERROR
from web.pipeline.body import parse_body
from web.pipeline.conversation_ids import ConversationIds
from web.pipeline.event_stream import MOST_JOINED, SILENCE_SECONDS, EventStream, disconnected
from web.pipeline.family import Family, FamilyRequest, Origin, replay
from web.pipeline.idempotency import ClaimedKey, IdempotencyKeys
from web.pipeline.several import SeveralAnswers, several_answers

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prompting:
    """The parts that all endpoints share. `silence_seconds`: a stream's silence before it gets a comment."""

    gateway: Gateway
    idempotency_keys: IdempotencyKeys
    conversations: ConversationIds = field(default_factory=lambda: ConversationIds(time.monotonic))
    silence_seconds: float = SILENCE_SECONDS


@dataclass(frozen=True, slots=True)
class _Call:
    """One request, its author, and the Idempotency-Key that it claimed."""

    tenant: Tenant
    asked: FamilyRequest
    claimed: ClaimedKey | None

    def finisher(self) -> Finisher | None:
        """Return the steps of the capture: the family's own, then the answer stored under the Idempotency-Key."""
        own, claimed = self.asked.finisher(), self.claimed
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
    """Return the response of `respond`, which gets the request's id; `problem` answers a failure with that id."""
    request_id: str = request.state.head.request_id
    try:
        response = await respond(request, request_id)
    except errors.HttpProblem as error:
        response = problem(error, request_id)
    except EngineError as error:
        response = problem(errors.from_engine(error), request_id)
    except ClientDisconnect:
        response = Response(status_code=499)
    except Exception:
        log.exception("request %s failed", request_id)
        response = problem(SERVER_ERROR, request_id)
    response.headers["x-request-id"] = request_id
    return response


@dataclass(frozen=True, slots=True)
class ChatEndpoint:
    """An endpoint of one family. A failure before the first byte has a status; after it, it is an event.

    `salt` differs between endpoints, so that one Idempotency-Key can't get the answer of another one.
    """

    prompting: Prompting
    family: Family
    salt: bytes = b""

    async def create(self, request: Request) -> Response:
        return await answered(request, self._respond, self.family.problem)

    async def _respond(self, request: Request, request_id: str) -> Response:
        origin = Origin(request.state.caller, request_id, int(time.time()))
        raw = await request.body()
        asked = await self.family.read(parse_body(request, raw), origin)
        ids = self.prompting.conversations
        known = asked.chat.conversation
        conversation = known or ids.of(origin.tenant_id, asked.chat.messages, request_id)
        asked.chat = replace(asked.chat, conversation=conversation, pace=LIVE if asked.stream else WHOLE)
        key, claimed = request.headers.get("idempotency-key"), None
        if key is not None:
            found = await self.prompting.idempotency_keys.claim(origin.tenant_id, key, self.salt + raw, request_id)
            if isinstance(found, Response):
                return found
            claimed = found
        assert origin.caller.tenant is not None
        call = _Call(origin.caller.tenant, asked, claimed)
        try:
            return await (self._stream(call) if asked.stream else self._whole(request, call))
        except BaseException:
            if claimed is not None:
                await claimed.release()
            raise

    async def _whole(self, request: Request, call: _Call) -> Response:
        """Answer as a whole. Under an Idempotency-Key the answer is completed also when the client hangs up."""
        asked = call.asked
        async with self._answering(call) as answer:
            leaving = asyncio.create_task(disconnected(request.receive))
            if call.claimed is None:
                leaving.add_done_callback(lambda _: answer.stop())
            try:
                completion = await answer.whole()
            finally:
                leaving.cancel()
        if completion is None or completion.stopped:
            raise ClientDisconnect
        body = asked.whole(completion, answer.charge)
        return Response(body, media_type="application/json", headers=_offer_headers(asked, answer))

    async def _stream(self, call: _Call) -> Response:
        """Wait for the first event, at most SILENCE_SECONDS, so that a failure before it still has its status."""
        asked, seconds = call.asked, self.prompting.silence_seconds
        async with AsyncExitStack() as stack:
            answer = await stack.enter_async_context(self._answering(call, can_restart=False))
            first = await answer.next_events(MOST_JOINED, seconds)
            return EventStream(
                stack.pop_all(),
                answer,
                asked.encoder(),
                first,
                _offer_headers(asked, answer),
                must_finish=call.claimed is not None,
                silence_seconds=seconds,
            )

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


def _offer_headers(asked: FamilyRequest, answer: Answer | SeveralAnswers) -> dict[str, str]:
    return served_by(*answer.offer, (*asked.ignored, *answer.ignored)) if answer.offer is not None else {}


def _stored_headers(asked: FamilyRequest, completion: Completion) -> Mapping[str, str]:
    kind = "text/event-stream" if asked.stream else "application/json"
    ignored = (*asked.ignored, *completion.ignored)
    return {"content-type": kind, **served_by(completion.provider, completion.model, ignored)}


def served_by(provider: str, model: str, ignored: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers that name who answered, and the request's fields that this wire could not take."""
    headers = {"x-farthing-provider": provider, "x-farthing-model": header_text(model)}
    return {**headers, "x-farthing-ignored": ", ".join(ignored)} if ignored else headers
