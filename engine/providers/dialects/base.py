"""What every dialect's adapter shares: keys, client, limits, and the road of one call."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import httpx

from engine.chat import Chunk
from engine.errors import CapabilityMissing, Garbled, ProviderError
from engine.ports import LimitHeaders, ProviderCall
from engine.providers import http
from engine.providers.refusals import refusal
from engine.providers.spec import Spec
from engine.providers.sse import Frame, frames

MOST_ERROR_BYTES = 64_000
JSON_ASKED = "Answer with one JSON object and nothing else."
NO_PREFILL = "does not go on with an answer that was begun"
"""Why an offer can't take a request that ends with the assistant's own words."""

compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Adapter(ABC):
    """A provider at an address. A dialect says where to ask, what to send, and how to read the answer."""

    def __init__(self, spec: Spec, keys: tuple[str, ...], base_url: str, proxy: str | None) -> None:
        self.spec = spec
        self._secrets = keys
        self._base_url = base_url.rstrip("/")
        self._http = http.connections(proxy)
        self._limits: dict[int, LimitHeaders] = {}

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def base_url(self) -> str:
        return self._base_url

    @property
    def keys(self) -> int:
        if not self._base_url:
            return 0
        return len(self._secrets) if self._secrets or self.spec.needs_key else 1

    @property
    def close_stops_bill(self) -> bool:
        return self.spec.close_stops_bill

    def limits(self, key: int) -> LimitHeaders | None:
        return self._limits.get(key)

    @asynccontextmanager
    async def stream(self, call: ProviderCall) -> AsyncIterator[AsyncIterator[Chunk]]:
        body = compact_json(self.body(call)).encode(errors="replace")
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream",
            **self._headers(call.key),
        }
        async with http.post(self._http, self.url(call.model), headers, body) as response:
            await self._look(response, call.key)
            async with aclosing(self._read(response, call)) as chunks:
                yield chunks

    async def _read(self, response: httpx.Response, call: ProviderCall) -> AsyncGenerator[Chunk, None]:
        """What isn't shaped as the dialect has it is garbage, however it fails to be read."""
        try:
            async with (
                aclosing(http.pieces(response, call.request.gulp_seconds)) as pieces,
                aclosing(frames(pieces)) as incoming,
                aclosing(self.read(incoming, call)) as chunks,
            ):
                async for chunk in chunks:
                    yield chunk
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise Garbled(f"not in this dialect ({type(error).__name__})") from error

    async def probe(self, key: int = 0) -> None:
        response = await http.get(self._http, self._base_url + self.spec.probe_path, self._headers(key))
        if response.status_code >= 400:  # noqa: PLR2004
            raise refusal(self.spec, response.status_code, _json(response.content), response.headers)

    async def aclose(self) -> None:
        await self._http.aclose()

    @abstractmethod
    def url(self, model: str) -> str:
        """Where a call of `model` is posted."""

    @abstractmethod
    def auth(self, secret: str) -> dict[str, str]:
        """The headers that carry a key."""

    @abstractmethod
    def body(self, call: ProviderCall) -> dict[str, Any]:
        """What is posted, as JSON."""

    @abstractmethod
    def read(self, incoming: AsyncIterator[Frame], call: ProviderCall) -> AsyncGenerator[Chunk, None]:
        """The answer in its parts. Raises what `failure` makes of an error that came within a 200."""

    def failure(self, body: Any, status: int | None = None) -> Exception:
        """An error that came within a 200."""
        return refusal(self.spec, status, body, {})

    def _headers(self, key: int) -> dict[str, str]:
        secret = self._secrets[key] if key < len(self._secrets) else ""
        return {**self.spec.headers, **(self.auth(secret) if secret else {})}

    async def _look(self, response: httpx.Response, key: int) -> None:
        """Raise what a bad status means; remember what was said of limits."""
        if told := http.limits(response.headers, requests_per_day=self.spec.requests_per_day):
            self._limits[key] = told
        if response.status_code >= 300:  # noqa: PLR2004
            raise refusal(self.spec, response.status_code, _json(await _head(response)), response.headers)
        kind = response.headers.get("content-type", "")
        if "html" in kind:
            raise Garbled("a page instead of an answer", status=response.status_code)


def thinking_off(call: ProviderCall, spec: Spec) -> Mapping[str, Any]:
    """The fields that switch thinking off, unless the request asks for an effort itself."""
    if call.request.options.reasoning_effort:
        return {}
    return next((fields for mark, fields in spec.thinking_off if mark in call.model), {})


def data_url(url: str) -> tuple[str, str]:
    """(media type, base64) of a `data:` URL. Raises CapabilityMissing for any other address."""
    head, comma, payload = url.partition(",")
    if not head.startswith("data:") or not comma or not head.endswith(";base64"):
        raise CapabilityMissing("takes pictures as data only")
    return head[5:-7] or "image/jpeg", payload


def arguments_of(text: str) -> dict[str, Any]:
    """A tool call's arguments, which a model may have written wrong: always an object."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"value": found}


def parsed(frame: Frame) -> dict[str, Any]:
    """A frame's JSON object. Raises Garbled."""
    try:
        data = json.loads(frame.data)
    except (ValueError, RecursionError) as error:
        raise Garbled("a frame that is no JSON") from error
    if isinstance(data, list):
        data = data[0] if data else {}
    if not isinstance(data, dict):
        raise Garbled("a frame that is no object")
    return data


def whole(value: Any) -> int:
    """A count of tokens, negative ones for the gateway to judge; what isn't a whole number counts as none."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


async def _head(response: httpx.Response) -> bytes:
    """An error's body, as far as it can matter, and as far as it comes."""
    body = b""
    with suppress(ProviderError):
        async with aclosing(http.pieces(response)) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > MOST_ERROR_BYTES:
                    break
    return body


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[:300].decode("utf-8", "replace")
