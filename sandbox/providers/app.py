"""HTTP server of all stand-ins, each below a path of its own."""

import json
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.providers import transcription
from sandbox.providers.answers import REFUSAL, answer
from sandbox.providers.exchange import (
    TRANSCRIPTIONS_PATH,
    ParsedRequest,
    ReceivedCall,
    StandInAnswer,
    StandInUsage,
    count,
)
from sandbox.providers.refusals import REFUSING_MODES, WAIT_SECONDS, Refusal, StandInRefused
from sandbox.providers.registry import stand_ins_of
from sandbox.providers.stand_in import MODES, StandIn
from sandbox.providers.streams import IGNORE_BREAKS, Breakable, array, stream, whole

__all__ = ["StandIn", "StandIns", "page_row"]

SLOW_SECONDS = 60.0
_POLL_SECONDS = 0.1
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, which closes the connection with a reset
_GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
_UNAVAILABLE = {"down", "key_refused", "overloaded"}  # modes in which the free probes fail too


class StandIns:
    """The stand-ins of `providers` (dialect by name; None: all with a module in `sandbox/providers/addresses`).

    `word_seconds`: pause between the words of an answer. `slow_seconds`: delay of an answer in mode "slow".
    """

    def __init__(
        self,
        word_seconds: float = 0.025,
        slow_seconds: float = SLOW_SECONDS,
        providers: Mapping[str, str] | None = None,
    ) -> None:
        self.providers = {name: StandIn(name, found) for name, found in stand_ins_of(providers).items()}
        self._word_seconds, self._slow_seconds = word_seconds, slow_seconds
        self._listeners: set[Callable[[StandIn], None]] = set()

    def provider(self, name: str) -> StandIn:
        """Return the stand-in with this name. Raises KeyError if there is none."""
        return self.providers[name]

    def set_mode(self, name: str, mode: str) -> None:
        """Set the mode, with effect at once.

        Raises ValueError for an unknown mode, KeyError for an unknown provider.
        """
        self.providers[name].switch(mode)
        self._notify(self.providers[name])

    def subscribe(self, listener: Callable[[StandIn], None]) -> None:
        """Call `listener` after every change: a mode set, a call answered, a stream ended."""
        self._listeners.add(listener)

    def app(self) -> Starlette:
        logging.getLogger("uvicorn.error").addFilter(IGNORE_BREAKS)
        return Starlette(
            routes=[
                Route("/{name}/{path:path}", self._post, methods=["POST"]),
                Route("/{name}/{path:path}", self._probe, methods=["GET"]),
            ]
        )

    # --- the free probes ----------------------------------------------------------------------------

    async def _probe(self, request: Request) -> Response:
        found = self.providers.get(request.path_params["name"])
        bodies = found.provider.probes(has_money=found.mode != "money_gone") if found else {}
        path = request.path_params["path"]
        if found is None or path not in bodies:
            return JSONResponse({"error": {"message": "Not Found"}}, 404)
        if not found.provider.key(request):
            return refused_response(found, found.provider.refusals["no_key"])
        if found.mode in _UNAVAILABLE:
            return refused_response(found, found.provider.refusals[found.mode])
        return JSONResponse(bodies[path])

    # --- prompts --------------------------------------------------------------------------------------

    async def _post(self, request: Request) -> Response:
        found = self.providers.get(request.path_params["name"])
        if found is None or not found.provider.serves(request.path_params["path"]):
            return JSONResponse({"error": {"message": "Not Found"}}, 404)
        mode = found.count_call()
        if mode in {"reset", "mute"}:
            await _break(found, request, mode)
            return Response(status_code=502)  # not sent: the connection is closed
        try:
            answered = await self._handler(found, request.path_params["path"])(found, request, mode)
        except StandInRefused as refused:
            answered = refused_response(found, refused.refusal, found.wait_seconds or WAIT_SECONDS)
        answered.headers.update(found.provider.limit_headers(found.limit, found.left, found.wait_seconds))
        found.last_status = answered.status_code
        self._notify(found)
        return answered

    def _handler(self, found: StandIn, path: str) -> Callable[[StandIn, Request, str], Awaitable[Response]]:
        if path == TRANSCRIPTIONS_PATH:
            return self._transcribe
        return self._embed if found.provider.embeds(path) else self._answer

    async def _embed(self, found: StandIn, request: Request, mode: str) -> Response:
        """Answer a request for embeddings. Raises StandInRefused."""
        call = await _received(found, request)
        self._admit(found, mode)
        if found.mode == "garbage":
            return PlainTextResponse(_GARBAGE, media_type="text/html")
        body = found.provider.embed(call, with_usage=found.mode != "no_usage")
        return Breakable(whole(found, body, self._slow_seconds), media_type="application/json")

    async def _answer(self, found: StandIn, request: Request, mode: str) -> Response:
        """Answer a chat request. Raises StandInRefused."""
        call = await _received(found, request)
        self._admit(found, mode)
        if found.mode == "garbage":
            return PlainTextResponse(_GARBAGE, media_type="text/html")
        provider = found.provider
        try:
            asked = provider.parse(call)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StandInRefused(provider.refusals["malformed"]) from error
        if mode == "rejected":
            raise StandInRefused(provider.rejected(asked))
        answered = _answered(found, asked)
        usage = None if found.mode == "no_usage" else _usage(found, call, asked, answered)
        if not asked.stream:
            body = provider.whole(asked, answered, usage)
            return Breakable(whole(found, body, self._slow_seconds), media_type="application/json")
        frames = provider.frames(asked, answered, usage)
        if not asked.sse:
            return Breakable(array(frames), media_type="application/json")
        pieces = stream(found, list(frames), lambda: self._word_seconds, self._slow_seconds)
        return Breakable(self._counted(found, pieces), media_type="text/event-stream")

    async def _transcribe(self, found: StandIn, request: Request, mode: str) -> Response:
        """Answer a recording. Raises StandInRefused."""
        recording = await transcription.posted_recording(found, request, found.provider.key(request))
        self._admit(found, mode)
        if found.mode == "garbage":
            return PlainTextResponse(_GARBAGE, media_type="text/html")
        body = whole(found, transcription.transcript(found, recording), self._slow_seconds)
        return Breakable(body, media_type="application/json")

    def _admit(self, found: StandIn, mode: str) -> None:
        """Count the request towards the limit. Raises StandInRefused if the mode or the limit refuses it."""
        if mode in REFUSING_MODES:
            raise StandInRefused(found.provider.refusals[mode])
        if found.left <= 0:
            raise StandInRefused(found.provider.refusals["429"])
        found.taken_at.append(found.now())

    async def _counted(self, found: StandIn, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        found.streams += 1
        try:
            async for piece in pieces:
                yield piece
        finally:
            found.streams -= 1
            self._notify(found)

    def _notify(self, found: StandIn) -> None:
        for listener in tuple(self._listeners):
            listener(found)


def refused_response(found: StandIn, refusal: Refusal, wait_seconds: float = WAIT_SECONDS) -> Response:
    """Return the error answer in the provider's own shape. Only the refusal "429" has headers with the wait."""
    provider = found.provider
    headers = provider.retry_headers(wait_seconds) if refusal is provider.refusals["429"] else {}
    return JSONResponse(provider.error_body(refusal, wait_seconds), refusal.status, headers)


def page_row(found: StandIn, base_url: str, farthing: dict[str, Any] | None) -> dict[str, Any]:
    """Return the stand-in's row for the page. `farthing`: the provider's state in `GET /providers`."""
    return {
        "name": found.name,
        "title": found.provider.title,
        "dialect": found.provider.dialect,
        "base_url": base_url,
        "mode": found.mode,
        "calls": found.calls,
        "streams": found.streams,
        "last_status": found.last_status,
        "modes": list(MODES),
        "farthing": farthing,
    }


async def _break(found: StandIn, request: Request, mode: str) -> None:
    """Close the connection without an answer: at once, or when the caller has given up."""
    if mode == "mute":
        while found.mode == "mute" and not await request.is_disconnected():
            await found.rest(_POLL_SECONDS)
        return
    # a private part of uvicorn, because ASGI can't break a connection
    cycle = getattr(request.receive, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()


async def _received(found: StandIn, request: Request) -> ReceivedCall:
    """Read the request. Raises StandInRefused for a missing key, and for a body that is no JSON object."""
    key = found.provider.key(request)
    if not key:
        raise StandInRefused(found.provider.refusals["no_key"])
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise StandInRefused(found.provider.refusals["malformed"]) from error
    if not isinstance(body, dict):
        raise StandInRefused(found.provider.refusals["malformed"])
    model, _, method = str(request.path_params["path"]).removeprefix("models/").rpartition(":")
    return ReceivedCall(body, request.headers, key, model, method, request.query_params.get("alt") == "sse")


def _answered(found: StandIn, asked: ParsedRequest) -> StandInAnswer:
    title = found.provider.title
    if found.mode == "blocked":
        return StandInAnswer(REFUSAL.format(name=title), finish="refused")
    return replace(answer(title, asked), text="") if found.mode == "empty" else answer(title, asked)


def _usage(found: StandIn, call: ReceivedCall, asked: ParsedRequest, answered: StandInAnswer) -> StandInUsage:
    prompt = count(asked.counted)
    seen = found.cached(call.key, asked.model, asked.counted)
    cached, written = found.provider.cached_written(asked, prompt, seen)
    called = json.dumps(dict(answered.tool.arguments)) + answered.tool.name if answered.tool else ""
    output, thought = asked.n * count(answered.text + called), asked.n * count(answered.thought)
    return StandInUsage(prompt, cached, written, output, thought)
