"""A provider's adapter over httpx.MockTransport: tests choose the bytes of every response."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import httpx

from engine.chat import ChatRequest, Chunk, Delta, Finish, Finished, Options, Role, Usage, says
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.registry import build, specs
from tests.engine.providers.reading import chunks_of

MODELS = {
    "deepseek": "deepseek-v4-flash",
    "gemini": "gemini-2.5-flash-lite",
    "openrouter": "openai/gpt-oss-20b",
    "openai": "gpt-4o",
    "anthropic": "claude-haiku-4-5",
    "groq": "openai/gpt-oss-20b",
    "mistral": "mistral-small-latest",
}
ASKED = ChatRequest("r", "auto", (says(Role.USER, "hello"),))


class Wire:
    """A provider that always responds with `status`, `headers` and `body`; `sent` holds its requests."""

    def __init__(
        self,
        name: str,
        body: bytes | str | Iterable[bytes] = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        model: str = "",
    ) -> None:
        self.sent: list[httpx.Request] = []
        self.model = model or MODELS.get(name, "a-model")
        parts = [body.encode()] if isinstance(body, str) else [body] if isinstance(body, bytes) else body

        def answer(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            given = {"content-type": "text/event-stream", **(headers or {})}
            return httpx.Response(status, headers=given, content=_pieces(parts))

        provider = build(specs()[name], keys=("k-1",), base_url="http://provider.test/v1")
        assert isinstance(provider, ProviderAdapter)
        self.provider = provider
        self.provider.send_through(httpx.MockTransport(answer))

    async def chunks(self, request: ChatRequest = ASKED) -> list[Chunk]:
        call = ProviderCall(request, self.model, 100)
        return await chunks_of(self.provider, call)

    async def body(self, request: ChatRequest = ASKED) -> Any:
        """Return the fields that are sent for `request`."""
        return json.loads(json.dumps(self.provider.body(ProviderCall(request, self.model, 100))))

    def ignored(self, request: ChatRequest) -> tuple[str, ...]:
        return self.provider.ignored(ProviderCall(request, self.model, 100))


async def _pieces(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def asking(text: str = "hello", **options: Any) -> ChatRequest:
    n = options.pop("n", 1)
    return ChatRequest("r", "auto", (says(Role.USER, text),), n=n, options=Options(**options))


def text(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, Delta))


def usage(chunks: list[Chunk]) -> Usage | None:
    return next((chunk for chunk in reversed(chunks) if isinstance(chunk, Usage)), None)


def finishes(chunks: list[Chunk]) -> list[Finish]:
    return [chunk.finish for chunk in chunks if isinstance(chunk, Finished)]


def calls(chunks: list[Chunk]) -> list[tuple[str, str]]:
    """Return (name, arguments) of each tool call, joined from its deltas."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for chunk in chunks:
        for piece in chunk.tool_calls if isinstance(chunk, Delta) else ():
            names[piece.position] = names.get(piece.position, "") + piece.name
            arguments[piece.position] = arguments.get(piece.position, "") + piece.arguments
    return [(names[position], arguments[position]) for position in sorted(names)]


def data(*bodies: Any, end: str = "\n\n") -> str:
    """Return frames of server-sent events."""
    return "".join(f"data: {json.dumps(body) if not isinstance(body, str) else body}{end}" for body in bodies)
