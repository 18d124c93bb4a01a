"""StandIns: the servers and their switches."""

import json
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.providers import hearing
from sandbox.providers.answers import NAMES, REFUSAL, answer
from sandbox.providers.asked import Asked, AskedCall, StandInAnswer, StandInBill, count
from sandbox.providers.dialects import DIALECTS
from sandbox.providers.refusals import ROWS, Row, StandInRefused, limits, response, row
from sandbox.providers.streams import BREAKS_ARE_MEANT, Breakable, array, stream, whole
from sandbox.providers.switches import MODES, StandIn

__all__ = ["StandIn", "StandIns", "shown"]

SLOW_SECONDS = 60.0
_BREATH_SECONDS = 0.1
_REFUSING = (
    "key_refused",
    "429",
    "429_untold",
    "down",
    "overloaded",
    "money_gone",
    "context_too_long",
    "error_500",
    "moderated",
)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
_GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
_METHODS = {"generateContent", "streamGenerateContent"}


class StandIns:
    """`word_seconds`: the pace of an answer; `slow_seconds`: how late a slow one begins."""

    def __init__(self, word_seconds: float = 0.025, slow_seconds: float = SLOW_SECONDS) -> None:
        self.providers = {name: StandIn(name) for name in DIALECTS}
        self._word_seconds, self._slow_seconds = word_seconds, slow_seconds
        self._listeners: set[Callable[[StandIn], None]] = set()

    def provider(self, name: str) -> StandIn:
        """Raises KeyError for one that there isn't."""
        return self.providers[name]

    def set_mode(self, name: str, mode: str) -> None:
        """Takes effect at once. Raises ValueError for a mode that there isn't, KeyError for a provider."""
        self.providers[name].switch(mode)
        self._tell(self.providers[name])

    def subscribe(self, listener: Callable[[StandIn], None]) -> None:
        """`listener` hears of every change: a switch moved, a call taken, an answer ended."""
        self._listeners.add(listener)

    def app(self) -> Starlette:
        logging.getLogger("uvicorn.error").addFilter(BREAKS_ARE_MEANT)
        return Starlette(
            routes=[
                Route("/{name}/models/{call:path}", self._ask, methods=["POST"]),
                Route("/{name}/chat/completions", self._ask, methods=["POST"]),
                Route("/{name}/messages", self._ask, methods=["POST"]),
                Route("/{name}" + hearing.PATH, self._ask, methods=["POST"]),
                Route("/{name}/{path:path}", self._probe, methods=["GET"]),
            ]
        )

    # --- the free probes ----------------------------------------------------------------------------

    async def _probe(self, request: Request) -> Response:
        found = self.providers.get(request.path_params["name"])
        answers = _probes(found) if found else {}
        path = request.path_params["path"]
        if found is None or path not in answers:
            return JSONResponse({"error": {"message": "Not Found"}}, 404)
        if not _key(request, found):
            return response(found.name, ROWS[found.name]["no_key"])
        if found.mode in {"down", "key_refused", "overloaded"}:
            return response(found.name, ROWS[found.name][found.mode])
        return JSONResponse(answers[path])

    # --- prompts --------------------------------------------------------------------------------------

    async def _ask(self, request: Request) -> Response:
        found = self.providers.get(request.path_params["name"])
        if found is None or not _is_spoken(found, request):
            return JSONResponse({"error": {"message": "Not Found"}}, 404)
        mode = found.takes_call()
        if mode in {"reset", "mute"}:
            await _break(found, request, mode)
            return Response(status_code=502)  # to a closed connection
        try:
            hears = request.url.path.endswith(hearing.PATH)
            answered = await (self._hear if hears else self._answer)(found, request, mode)
        except StandInRefused as refused:
            answered = response(found.name, refused.row, found.wait_seconds or 5.0)
        answered.headers.update(limits(found.name, found.limit, found.left, found.wait_seconds))
        found.last_status = answered.status_code
        self._tell(found)
        return answered

    async def _answer(self, found: StandIn, request: Request, mode: str) -> Response:
        """Raises StandInRefused."""
        call = await _call(found, request)
        self._admit(found, mode)
        if found.mode == "garbage":
            return PlainTextResponse(_GARBAGE, media_type="text/html")
        dialect = DIALECTS[found.name]
        try:
            asked = dialect.asked(call)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StandInRefused(_malformed(found)) from error
        said = _said(found, asked)
        bill = None if found.mode == "no_usage" else _bill(found, call, asked, said)
        if not asked.stream:
            body = dialect.whole(asked, said, bill)
            return Breakable(whole(found, body, self._slow_seconds), media_type="application/json")
        frames = dialect.frames(asked, said, bill)
        if not asked.sse:
            return Breakable(array(frames), media_type="application/json")
        words = stream(found, dialect, list(frames), lambda: self._word_seconds, self._slow_seconds)
        return Breakable(self._counted(found, words), media_type="text/event-stream")

    async def _hear(self, found: StandIn, request: Request, mode: str) -> Response:
        """Raises StandInRefused."""
        asked = await hearing.recorded(found, request, _key(request, found))
        self._admit(found, mode)
        if found.mode == "garbage":
            return PlainTextResponse(_GARBAGE, media_type="text/html")
        body = whole(found, hearing.written(found, asked), self._slow_seconds)
        return Breakable(body, media_type="application/json")

    def _admit(self, found: StandIn, mode: str) -> None:
        """Raises StandInRefused by the switch, and above the limit of a minute."""
        if mode in _REFUSING:
            raise StandInRefused(row(found.name, mode))
        if found.left <= 0:
            raise StandInRefused(ROWS[found.name]["429"])
        found.asked_at.append(found.now())

    async def _counted(self, found: StandIn, words: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        found.streams += 1
        try:
            async for word in words:
                yield word
        finally:
            found.streams -= 1
            self._tell(found)

    def _tell(self, found: StandIn) -> None:
        for listener in tuple(self._listeners):
            listener(found)


async def _break(found: StandIn, request: Request, mode: str) -> None:
    """End the connection without an answer: at once, or when the caller has given up."""
    if mode == "mute":
        while found.mode == "mute" and not await request.is_disconnected():
            await found.rest(_BREATH_SECONDS)
        return
    cycle = getattr(request.receive, "__self__", None)  # uvicorn's own: ASGI knows no way to break a connection
    transport = getattr(cycle, "transport", None)
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()


def shown(found: StandIn, base_url: str, farthing: dict[str, Any] | None) -> dict[str, Any]:
    """As the page has it."""
    return {
        "name": found.name,
        "title": NAMES.get(found.name, found.name),
        "dialect": found.dialect,
        "base_url": base_url,
        "mode": found.mode,
        "calls": found.calls,
        "streams": found.streams,
        "last_status": found.last_status,
        "modes": list(MODES),
        "farthing": farthing,
    }


async def _call(found: StandIn, request: Request) -> AskedCall:
    """Raises StandInRefused for a missing key and for what is no JSON object."""
    key = _key(request, found)
    if not key:
        raise StandInRefused(ROWS[found.name]["no_key"])
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise StandInRefused(_malformed(found)) from error
    if not isinstance(body, dict):
        raise StandInRefused(_malformed(found))
    model, _, method = str(request.path_params.get("call", "")).rpartition(":")
    return AskedCall(body, request.headers, key, model, method, request.query_params.get("alt") == "sse")


def _key(request: Request, found: StandIn) -> str:
    """Each dialect looks in one place only."""
    if found.name == "gemini":
        return request.headers.get("x-goog-api-key") or request.query_params.get("key") or ""
    if found.name == "anthropic":
        return request.headers.get("x-api-key", "")
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def _is_spoken(found: StandIn, request: Request) -> bool:
    """Whether this path belongs to this provider's dialect."""
    call = request.path_params.get("call")
    if call is not None:
        return found.dialect == "gemini" and call.rpartition(":")[2] in _METHODS
    wanted = ("/messages",) if found.dialect == "anthropic" else ("/chat/completions", hearing.PATH)
    return found.dialect != "gemini" and request.url.path.endswith(wanted)


def _malformed(found: StandIn) -> Row:
    if found.name == "gemini":
        return Row(400, "Invalid JSON payload received.", "INVALID_ARGUMENT")
    return Row(400, "We could not parse the JSON body of your request.")


def _said(found: StandIn, asked: Asked) -> StandInAnswer:
    if found.mode == "blocked":
        return StandInAnswer(REFUSAL.format(name=NAMES[found.name]), finish="refused")
    return replace(answer(found.name, asked), text="") if found.mode == "empty" else answer(found.name, asked)


def _bill(found: StandIn, call: AskedCall, asked: Asked, said: StandInAnswer) -> StandInBill:
    prompt = count(asked.whole)
    seen = found.cached(call.key, asked.model, asked.whole)
    cached, written = DIALECTS[found.name].cached_written(asked, prompt, seen)
    called = json.dumps(dict(said.tool.arguments)) + said.tool.name if said.tool else ""
    return StandInBill(prompt, cached, written, asked.n * count(said.text + called), asked.n * count(said.thought))


def _probes(found: StandIn) -> dict[str, Any]:
    """What is answered to a GET, by path."""
    has_money = found.mode != "money_gone"
    balance = {"currency": "USD", "total_balance": "10.00" if has_money else "0.00"}
    more: dict[str, dict[str, Any]] = {
        "deepseek": {"user/balance": {"is_available": has_money, "balance_infos": [balance]}},
        "openrouter": {"key": {"data": {"label": "sandbox", "limit_remaining": 10.0 if has_money else 0.0}}},
    }
    return {"models": DIALECTS[found.name].models(), **more.get(found.name, {})}
