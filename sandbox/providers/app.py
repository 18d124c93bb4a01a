"""StandIns: the servers and their switches."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.providers.answers import answer, count, words
from sandbox.providers.dialects import Anthropic, Asked, DeepSeek, Gemini, OpenAI

MODES = ("up", "down", "429", "slow", "cut", "key_refused")
MORE_MODES = (
    "empty",
    "garbage",
    "stream_error",
    "money_gone",
    "context_too_long",
    "no_usage",
    "keepalive_only",
    "blocked",
    "overloaded",
)
DIALECTS: dict[str, OpenAI | Gemini | Anthropic] = {
    "deepseek": DeepSeek(),
    "gemini": Gemini(),
    "openrouter": OpenAI(),
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "groq": OpenAI(),
    "mistral": OpenAI(),
}
_CACHE_FROM_TOKENS = 1024
_PLAIN = {
    "down": (503, "Service unavailable (its plug was pulled).", "server_error"),
    "overloaded": (529, "Overloaded", "overloaded_error"),
    "money_gone": (402, "Insufficient balance.", "insufficient_quota"),
    "context_too_long": (400, "This model's maximum context length is 4096 tokens.", "context_length_exceeded"),
}
_MISTRAL_FIELDS = frozenset(
    (
        "model",
        "messages",
        "stream",
        "max_tokens",
        "temperature",
        "top_p",
        "stop",
        "random_seed",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "presence_penalty",
        "frequency_penalty",
        "n",
        "reasoning_effort",
        "prompt_cache_key",
        "safe_prompt",
    )
)


@dataclass(slots=True)
class StandIn:
    """One provider: what it does now, and what it has been asked."""

    name: str
    mode: str = "up"
    calls: int = 0
    last_status: int = 0
    streams: int = 0
    asked_at: deque[float] = field(default_factory=deque)
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=32))

    @property
    def dialect(self) -> str:
        return {"gemini": "gemini", "anthropic": "anthropic"}.get(self.name, "openai")


class StandIns:
    """`word_seconds`: the pace of an answer; `slow_seconds`: how late a slow one begins."""

    def __init__(self, word_seconds: float = 0.03, slow_seconds: float = 60.0) -> None:
        self.providers = {name: StandIn(name) for name in DIALECTS}
        self._word_seconds, self._slow_seconds = word_seconds, slow_seconds
        self._listeners: set[Callable[[StandIn], None]] = set()

    def provider(self, name: str) -> StandIn:
        return self.providers[name]

    def set_mode(self, name: str, mode: str) -> None:
        """Raises ValueError for a mode that there isn't."""
        if mode not in (*MODES, *MORE_MODES) and not mode.startswith("limit:"):
            raise ValueError(f"no such mode: {mode}")
        self.providers[name].mode = mode
        self._tell(self.providers[name])

    def subscribe(self, listener: Callable[[StandIn], None]) -> None:
        self._listeners.add(listener)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/{name}/chat/completions", self._chat, methods=["POST"]),
                Route("/{name}/messages", self._chat, methods=["POST"]),
                Route("/{name}/models/{call:path}", self._chat, methods=["POST"]),
                Route("/{name}/{path:path}", self._probe),
            ]
        )

    async def _probe(self, request: Request) -> Response:
        """/models, /key, /user/balance: the free probes."""
        found = self.providers.get(request.path_params["name"])
        if found is None:
            return JSONResponse({"error": {"message": "not found"}}, 404)
        if found.mode == "key_refused":
            return DIALECTS[found.name].error(401, "Incorrect API key provided.", "invalid_api_key")
        return JSONResponse({"data": [], "models": [], "is_available": True})

    async def _chat(self, request: Request) -> Response:
        found = self.providers.get(request.path_params["name"])
        if found is None:
            return JSONResponse({"error": {"message": "not found"}}, 404)
        found.calls += 1
        response = await self._respond(found, request)
        found.last_status = response.status_code
        self._tell(found)
        return response

    async def _respond(self, found: StandIn, request: Request) -> Response:
        dialect = DIALECTS[found.name]
        refused = self._refusal(found, request)
        if refused is not None:
            return refused
        body = await request.json()
        model, _, method = str(request.path_params.get("call", "")).rpartition(":")
        try:
            asked = dialect.asked(body, model)
        except (KeyError, TypeError, ValueError) as error:
            return dialect.error(400, f"{error} is required", "invalid_request_error")
        if found.name == "mistral" and (unknown := set(body) - _MISTRAL_FIELDS):
            return JSONResponse(
                {
                    "object": "error",
                    "message": f"Extra inputs are not permitted: {unknown}",
                    "type": "extra_forbidden",
                },
                422,
            )
        if found.mode == "garbage":
            return PlainTextResponse("<html>Bad gateway</html>", media_type="text/html")
        if asked.stream and method != "generateContent":
            return StreamingResponse(self._stream(found, asked), media_type="text/event-stream")
        text = answer(found.name, asked.prompt, asked.images)
        return JSONResponse(dialect.whole(asked, text, self._usage(found, asked, text)))

    def _refusal(self, found: StandIn, request: Request) -> Response | None:
        dialect, mode = DIALECTS[found.name], found.mode
        key = (
            request.headers.get("authorization")
            or request.headers.get("x-api-key")
            or request.headers.get("x-goog-api-key")
        )
        if not key or mode == "key_refused":
            return dialect.error(401, "Incorrect API key provided.", "invalid_api_key")
        if mode == "429" or (mode.startswith("limit:") and self._over(found, int(mode[6:]))):
            return dialect.error(429, "Rate limit reached.", "rate_limit_exceeded")
        return dialect.error(*_PLAIN[mode]) if mode in _PLAIN else None

    def _over(self, found: StandIn, per_minute: int) -> bool:
        now = asyncio.get_running_loop().time()
        while found.asked_at and found.asked_at[0] <= now - 60:
            found.asked_at.popleft()
        if len(found.asked_at) >= per_minute:
            return True
        found.asked_at.append(now)
        return False

    async def _stream(self, found: StandIn, asked: Asked) -> AsyncIterator[bytes]:
        dialect, mode = DIALECTS[found.name], found.mode
        found.streams += 1
        try:
            if mode in {"slow", "keepalive_only"}:
                async for comment in self._dawdle(found, dialect.comment or b": wait\n\n"):
                    yield comment
            if mode == "blocked":
                for frame in dialect.blocked(asked):
                    yield frame
                return
            for frame in dialect.begin(asked):
                yield frame
            text = "" if mode == "empty" else answer(found.name, asked.prompt, asked.images)
            said = ""
            for number, word in enumerate(words(text, asked.most)):
                if self._should_break(found, number):
                    if found.mode == "stream_error":
                        yield dialect.stream_error()
                    return  # the body ends here, without its end marker
                said += word
                yield dialect.word(asked, word)
                await asyncio.sleep(self._word_seconds)
            counted = mode != "no_usage"
            for frame in dialect.end(asked, self._usage(found, asked, said), full=said != text, counted=counted):
                yield frame
        finally:
            found.streams -= 1

    def _should_break(self, found: StandIn, number: int) -> bool:
        """A plug that is pulled stops an answer that is under way, too."""
        return found.mode == "down" or (found.mode in {"cut", "stream_error"} and number >= 8)  # noqa: PLR2004

    async def _dawdle(self, found: StandIn, comment: bytes) -> AsyncIterator[bytes]:
        for _ in range(int(self._slow_seconds)):
            if found.mode not in {"slow", "keepalive_only"}:
                return
            yield comment
            await asyncio.sleep(1)

    def _usage(self, found: StandIn, asked: Asked, said: str) -> tuple[int, int, int]:
        """(prompt, cached, output) tokens; a prefix that was seen before is cached from 1,024 tokens on."""
        known = [seen for seen in found.seen if asked.whole.startswith(seen)]
        cached = max((count(seen) for seen in known), default=0)
        found.seen.append(asked.whole)
        return count(asked.whole), cached if cached >= _CACHE_FROM_TOKENS else 0, count(said)

    def _tell(self, found: StandIn) -> None:
        for listener in tuple(self._listeners):
            listener(found)


def shown(found: StandIn, base_url: str, farthing: dict[str, Any] | None) -> dict[str, Any]:
    """As the page has it."""
    return {
        "name": found.name,
        "dialect": found.dialect,
        "base_url": base_url,
        "mode": found.mode,
        "calls": found.calls,
        "last_status": found.last_status,
        "modes": list(MODES),
        "farthing": farthing,
    }
