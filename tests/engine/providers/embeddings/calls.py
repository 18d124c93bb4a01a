"""Calls for embeddings with a provider's adapter, whose responses a test chooses."""

import asyncio
import base64
import json
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from engine.embeddings import EmbeddingCall, EmbeddingInput, Embeddings
from engine.privacy import NONE, Exclusions
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.registry import build, specs


class EmbeddingWire:
    """A provider that answers each request with the next body (never if it is an Event); `sent`: the requests."""

    def __init__(self, name: str, *bodies: Any, status: int = 200) -> None:
        self.sent: list[httpx.Request] = []
        self._bodies = list(bodies)
        adapter = build(specs()[name], keys=("k-1", "k-2"), base_url="http://provider.test/v1")
        assert isinstance(adapter, ProviderAdapter)
        adapter.send_through(httpx.MockTransport(self._answer(status)))
        self.provider = adapter

    def _answer(self, status: int) -> Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]:
        async def answer(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            body = self._bodies.pop(0)
            if isinstance(body, asyncio.Event):
                await body.wait()
            if isinstance(body, httpx.Response):
                return body
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return httpx.Response(status, headers={"content-type": "application/json"}, content=content)

        return answer

    async def embed(
        self,
        *inputs: EmbeddingInput,
        dimensions: int | None = None,
        as_floats: bool = False,
        model: str = "m",
        key: int = 0,
        exclusions: Exclusions = NONE,
    ) -> Embeddings:
        call = EmbeddingCall(model, inputs or ("hello",), dimensions, as_floats, key, exclusions)
        return await self.provider.embed(call)

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.sent]


def rows(*vectors: Any, **more: Any) -> dict[str, Any]:
    """Return OpenAI's answer with these vectors."""
    data = [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 5, "total_tokens": 5}, **more}


def packed(*numbers: float) -> str:
    """Return the numbers as base64 of little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def lists(found: Embeddings) -> list[list[float]]:
    return [vector.tolist() for vector in found.vectors]
