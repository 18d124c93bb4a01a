"""POST /v1/chat/completions: a plain ASGI road for the one call that is hot."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from engine.chat import ChatRequest, Event
from engine.errors import EngineError
from engine.gateway.answer import Answer
from engine.gateway.gateway import Gateway
from engine.ids import time_ordered
from web import errors
from web.auth import Caller
from web.errors import BROKEN, HttpProblem
from web.openai import chat_request, chat_response
from web.openai.idempotency import Slot, StoredReplies, header_text

log = logging.getLogger(__name__)
MOST_VALUES = 200_000
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # also an unclosed one: then nothing is looked at twice


@dataclass(frozen=True, slots=True)
class Completions:
    """The endpoint. Every failure before the first byte is a status; after it, one error event and no [DONE]."""

    gateway: Gateway
    keeper: StoredReplies

    async def create(self, request: Request) -> Response:
        request_id = f"req-{time_ordered(datetime.now(UTC))}"
        try:
            response = await self._respond(request, request_id)
        except HttpProblem as problem:
            response = problem.response()
        except EngineError as error:
            response = errors.of(error).response()
        except ClientDisconnect:
            response = Response(status_code=499)
        except Exception:
            log.exception("request %s failed", request_id)
            response = BROKEN.response()
        response.headers["x-request-id"] = request_id
        return response

    async def _respond(self, request: Request, request_id: str) -> Response:
        caller: Caller = request.state.caller
        raw = await request.body()
        body = parsed(request, raw)
        asked = chat_request.chat_request(body, id=request_id, key_id=caller.key_id)
        stream, usage = chat_request.wants_stream(body), chat_request.wants_usage(body)
        key = request.headers.get("idempotency-key")
        slot = await self.keeper.open(caller, key, raw, request_id, stream=stream)
        if isinstance(slot, Response):
            return slot
        try:
            if stream:
                return await self._stream(caller, asked, slot, usage=usage)
            return await self._whole(request, caller, asked, slot)
        except (HttpProblem, EngineError) as error:
            problem = error if isinstance(error, HttpProblem) else errors.of(error)
            await slot.release()
            raise problem from error
        except BaseException:
            await slot.release()
            raise

    async def _whole(self, request: Request, caller: Caller, asked: ChatRequest, slot: Slot) -> Response:
        assert caller.tenant is not None
        async with self.gateway.answer(caller.tenant, asked, finish=slot.finisher(asked)) as answer:
            leaving = asyncio.create_task(_left(request.receive))
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
        text = chat_response.completion_json(asked.id, slot.created, completion, answer.charge)
        return Response(chat_response.sendable(text), media_type="application/json", headers=_named(answer))

    async def _stream(self, caller: Caller, asked: ChatRequest, slot: Slot, *, usage: bool) -> Response:
        """The head waits for the first word, so that a failure before it still has its status."""
        assert caller.tenant is not None
        async with AsyncExitStack() as stack:
            answer = await stack.enter_async_context(
                self.gateway.answer(caller.tenant, asked, finish=slot.finisher(asked), can_restart=False)
            )
            first = await anext(answer, None)
            return EventStream(
                stack.pop_all(), _frames(answer, asked, first, slot.created, usage=usage), _named(answer)
            )


class EventStream(Response):
    """Server-sent events that own their answer: however the sending ends, the answer's context is left."""

    media_type = "text/event-stream"

    def __init__(self, stack: AsyncExitStack, frames: AsyncIterator[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._stack, self._frames = stack, frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        async with self._stack:
            sending = asyncio.create_task(self._send(send))
            leaving = asyncio.create_task(_left(receive))
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


def parsed(request: Request, raw: bytes) -> Mapping[str, Any]:
    """Raises HttpProblem 415 or 400."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise HttpProblem(415, f"The content type must be application/json, not {kind}.", code="unsupported_media_type")
    if _is_bushy(raw):
        raise errors.bad_request(None, f"The body has over {MOST_VALUES:,} values.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise errors.bad_request(None, "The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise errors.bad_request(None, "The body must be a JSON object.")
    return body


def _is_bushy(raw: bytes) -> bool:
    """True when reading it would hold everybody up: 20 MiB of `[]` take half a gigabyte and seconds."""
    return _marks(raw) > MOST_VALUES and _marks(_STRING.sub(b"", raw)) > MOST_VALUES


def _marks(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


async def _frames(
    answer: Answer, asked: ChatRequest, first: Event | None, created: int, *, usage: bool
) -> AsyncIterator[bytes]:
    chunks = chat_response.ChunkEncoder(asked.id, created, _model(answer))
    try:
        if first is not None:
            yield _data(chunks.json(first, start=True))
        async for event in answer:
            yield _data(chunks.json(event))
    except EngineError as error:
        yield _frame(errors.of(error).body())
        return
    except Exception:
        log.exception("stream %s failed", asked.id)
        yield _frame(BROKEN.body())
        return
    if usage and answer.completion is not None:
        usage_chunk = chat_response.usage_chunk_json(
            asked.id, created, _model(answer), answer.completion.usage, answer.charge
        )
        yield _frame(usage_chunk)
    yield b"data: [DONE]\n\n"


async def _left(receive: Receive) -> None:
    """Return when the client hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _named(answer: Answer) -> dict[str, str]:
    if answer.offer is None:
        return {}
    return {"x-farthing-provider": answer.offer.provider, "x-farthing-model": header_text(answer.offer.model)}


def _model(answer: Answer) -> str:
    return answer.offer.model if answer.offer else ""


def _frame(body: Mapping[str, Any]) -> bytes:
    return _data(chat_response.dumps(body))


def _data(text: str) -> bytes:
    return b"data: " + text.encode(errors="replace") + b"\n\n"
