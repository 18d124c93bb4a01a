"""POST /v1/chat/completions: a plain Starlette route, without FastAPI, since it takes most of the traffic."""

import asyncio
import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.catalog.conversation_forecast import HTTP_PREFIX
from engine.chat import ChatRequest, Event, Message
from engine.errors import EngineError
from engine.gateway.answer import Answer
from engine.gateway.gateway import Gateway
from engine.gateway.question import Finisher
from engine.tenancy import Tenant
from web import errors
from web.auth import Caller, new_request_id
from web.errors import SERVER_ERROR, HttpProblem
from web.openai import chat_request, chat_response
from web.openai.chat_response import ChunkEncoder
from web.openai.idempotency import ClaimedKey, IdempotencyKeys

log = logging.getLogger(__name__)
MOST_VALUES = 200_000
_MOST_REQUESTS = 50_000
_LIFETIME_SECONDS = 6 * 3600.0
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # linear time: an unclosed string matches too


@dataclass(frozen=True, slots=True)
class _Call:
    """One request: its author, its question, and how it is to be answered."""

    tenant: Tenant
    chat: ChatRequest
    created: int
    claimed: ClaimedKey | None
    with_usage: bool


@dataclass(frozen=True, slots=True)
class Completions:
    """The endpoint. A failure before the first byte has a status; after it, one error event and no [DONE]."""

    gateway: Gateway
    idempotency_keys: IdempotencyKeys
    conversations: "ConversationIds" = field(default_factory=lambda: ConversationIds(time.monotonic))

    async def create(self, request: Request) -> Response:
        request_id = new_request_id(datetime.now(UTC))
        try:
            response = await self._respond(request, request_id)
        except HttpProblem as problem:
            response = problem.response()
        except EngineError as error:
            response = errors.from_engine(error).response()
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception:
            log.exception("request %s failed", request_id)
            response = SERVER_ERROR.response()
        response.headers["x-request-id"] = request_id
        return response

    async def _respond(self, request: Request, request_id: str) -> Response:
        caller: Caller = request.state.caller
        assert caller.tenant is not None
        raw = await request.body()
        body = parse_body(request, raw)
        chat = chat_request.chat_request(body, id=request_id, key_id=caller.key_id)
        chat = replace(chat, conversation=self.conversations.of(caller.tenant.id, chat.messages, request_id))
        stream, with_usage = chat_request.wants_stream(body), chat_request.wants_usage(body)
        created, key, claimed = int(time.time()), request.headers.get("idempotency-key"), None
        if key is not None:
            found = await self.idempotency_keys.claim(
                caller.tenant.id, key, raw, request_id, created=created, stream=stream
            )
            if isinstance(found, Response):
                return found
            claimed = found
        call = _Call(caller.tenant, chat, created, claimed, with_usage)
        try:
            return await (self._stream(call) if stream else self._whole(request, call))
        except BaseException:
            if claimed is not None:
                await claimed.release()
            raise

    async def _whole(self, request: Request, call: _Call) -> Response:
        async with self.gateway.answer(call.tenant, call.chat, finish=_finisher(call)) as answer:
            leaving = asyncio.create_task(_disconnected(request.receive))
            waiting = asyncio.create_task(answer.whole())
            try:
                await asyncio.wait({leaving, waiting}, return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    raise ClientDisconnect
                completion = waiting.result()
            finally:
                leaving.cancel()
                waiting.cancel()
        assert completion is not None
        body = chat_response.completion_json(call.chat.id, call.created, completion, answer.charge)
        return Response(chat_response.sendable(body), media_type="application/json", headers=_offer_headers(answer))

    async def _stream(self, call: _Call) -> Response:
        """Wait for the first event, so that a failure before it still has its status."""
        async with AsyncExitStack() as stack:
            answer = await stack.enter_async_context(
                self.gateway.answer(call.tenant, call.chat, finish=_finisher(call), can_restart=False)
            )
            first = await anext(answer, None)
            return EventStream(stack.pop_all(), _frames(answer, call, first), _offer_headers(answer))


class EventStream(Response):
    """Server-sent events that own their answer: its context is left however the sending ends."""

    media_type = "text/event-stream"

    def __init__(self, stack: AsyncExitStack, frames: AsyncIterator[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._stack, self._frames = stack, frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        async with self._stack:
            sending = asyncio.create_task(self._send(send))
            leaving = asyncio.create_task(_disconnected(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                sending.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for frame in self._frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def parse_body(request: Request, raw: bytes) -> Mapping[str, Any]:
    """Return the JSON object of the body. Raises HttpProblem 415 or 400."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise HttpProblem(415, f"The content type must be application/json, not {kind}.", code="unsupported_media_type")
    if _has_too_many_values(raw):
        raise errors.bad_request(None, f"The body has over {MOST_VALUES:,} JSON values.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise errors.bad_request(None, "The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise errors.bad_request(None, "The body must be a JSON object.")
    return body


def _has_too_many_values(raw: bytes) -> bool:
    """Return True where parsing would stop the event loop: 20 MiB of `[]` take half a gigabyte and seconds."""
    return _count_separators(raw) > MOST_VALUES and _count_separators(_STRING.sub(b"", raw)) > MOST_VALUES


def _count_separators(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _finisher(call: _Call) -> Finisher | None:
    return call.claimed.finisher() if call.claimed is not None else None


async def _frames(answer: Answer, call: _Call, first: Event | None) -> AsyncIterator[bytes]:
    request_id, model = call.chat.id, _model(answer)
    chunks = ChunkEncoder(request_id, call.created, model)
    try:
        if first is not None:
            yield _data(chunks.json(first, start=True))
        async for event in answer:
            yield _data(chunks.json(event))
    except EngineError as error:
        yield _frame(errors.from_engine(error).body())
        return
    except Exception:
        log.exception("stream %s failed", request_id)
        yield _frame(SERVER_ERROR.body())
        return
    if call.with_usage and answer.completion is not None:
        usage = answer.completion.usage
        yield _frame(chat_response.usage_chunk_json(request_id, call.created, model, usage, answer.charge))
    yield b"data: [DONE]\n\n"


async def _disconnected(receive: Receive) -> None:
    """Return when the client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _offer_headers(answer: Answer) -> dict[str, str]:
    if answer.offer is None:
        return {}
    return {
        "x-farthing-provider": answer.offer.provider,
        "x-farthing-model": chat_response.header_text(answer.offer.model),
    }


def _model(answer: Answer) -> str:
    return answer.offer.model if answer.offer else ""


def _frame(body: Mapping[str, Any]) -> bytes:
    return _data(chat_response.dumps(body))


def _data(text: str) -> bytes:
    return b"data: " + text.encode(errors="replace") + b"\n\n"


@dataclass(slots=True)
class ConversationIds:
    """The conversations of each tenant by the hash of their requests' messages. In memory, one per process.

    Ids are estimates for routing only: a forgotten conversation begins anew. `monotonic` returns seconds.
    """

    monotonic: Callable[[], float]
    most: int = _MOST_REQUESTS
    _ids: OrderedDict[tuple[int, int], tuple[str, float]] = field(default_factory=OrderedDict)

    def of(self, tenant_id: int, messages: Sequence[Message], request_id: str) -> str:
        """Return the id of the conversation that these messages continue, or a new one named after the request.

        A request continues a conversation where its messages begin with all those of an earlier request of the tenant.
        """
        now = self.monotonic()
        hashes = _prefix_hashes(messages)
        self._forget(now - _LIFETIME_SECONDS, self.most)
        found = (self._ids.get((tenant_id, prefix)) for prefix in reversed(hashes))
        known = next((each[0] for each in found if each is not None), None)
        conversation = known or f"{HTTP_PREFIX}{tenant_id}:{request_id}"
        key = (tenant_id, hashes[-1])
        self._ids[key] = (conversation, now)
        self._ids.move_to_end(key)
        self._forget(now - _LIFETIME_SECONDS, self.most)
        return conversation

    def _forget(self, before: float, most: int) -> None:
        """Forget the requests before `before`, and the oldest ones over `most`."""
        while self._ids:
            oldest = next(iter(self._ids))
            if self._ids[oldest][1] >= before and len(self._ids) <= most:
                return
            del self._ids[oldest]


def _prefix_hashes(messages: Sequence[Message]) -> list[int]:
    """Return a hash of the first message, of the first two, and so on. Roles are left out: to hash them takes long."""
    hashes: list[int] = []
    last = 0
    for message in messages:
        last = hash((last, message.parts, message.tool_calls, message.tool_call_id))
        hashes.append(last)
    return hashes
