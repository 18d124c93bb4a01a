"""ProviderAdapter, which every dialect extends: keys, connections, limits and one streamed call. Also JSON helpers."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from engine.embeddings import EmbeddingCall, Embeddings
from engine.errors import CapabilityMissing, ContextTooLong, Garbled, RequestFault, StreamCut
from engine.ports import AnswerSink, LimitHeaders, ProviderCall
from engine.providers import http
from engine.providers.balances import Balance
from engine.providers.errors.details import objects, texts
from engine.providers.leaks.markup_leaks import MarkupLeaks
from engine.providers.mending.answers import AnswerMending
from engine.providers.mending.model_memory import ModelMemory, Trial
from engine.providers.mending.tool_names import PLAIN_NAME
from engine.providers.own_fields import FORMS, leave_out
from engine.providers.refusals import SIGNATURES, json_or_text, refusal
from engine.providers.spec import Spec
from engine.providers.sse import Frame
from engine.providers.streams.answer_reading import (
    MOST_ERROR_BYTES,
    AnswerReading,
    StreamReader,
    ended_at_limit,
    limits_of,
)
from engine.providers.transport.pool import ConnectionPool
from engine.providers.transport.receiver import Transport
from engine.providers.transport.through_httpx import HttpxTransport

# largest answer that is read in one piece: 512 vectors of 3,072 decimal numbers take half of it
MOST_ANSWER_BYTES = 64_000_000
NO_PREFILL = "does not go on with an answer that was begun"
"""The reason why an offer can't take a request whose last message is the assistant's."""


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class ProviderAdapter(ABC):
    """A provider over HTTP. A dialect adds the URL, the request body and the reader of the stream."""

    def __init__(self, spec: Spec, keys: tuple[str, ...], base_url: str, proxy: str | None) -> None:
        self.spec = spec
        self._secrets = keys
        self._base_url = base_url.rstrip("/")
        self._http = http.connections(proxy)
        self._transport: Transport = HttpxTransport(self._http) if proxy or "@" in base_url else ConnectionPool()
        self._limits: dict[int, LimitHeaders] = {}
        self._memory: ModelMemory | None = None  # from the first refusal on

    def send_through(self, connections: httpx.AsyncBaseTransport) -> None:
        """Use `connections` for all further requests."""
        self._http, self._transport = connections, HttpxTransport(connections)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def dialect(self) -> str:
        return self.spec.dialect

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

    async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:
        """Stream one call.

        If the model refuses a field that we added, an option of the tenant or the output limit, repeat the call
        without it and remember the model. Later requests leave it out only if the repeated call was accepted; an option
        only if it has the same value, and `ignored` names it.
        """
        headers = {"content-type": "application/json", "accept": "text/event-stream", **self._headers(call.key)}
        trial = None if self._memory is None else self._memory.trial(call)
        while True:
            sent, left_out = (call, frozenset[str]()) if trial is None else (trial.call, trial.fields)
            body = json_bytes(self._body_without(sent, left_out))
            reading = AnswerReading(self.reader(sent), self._mending(sent), sink, MarkupLeaks(sent.request))
            try:
                await self._post_streamed(sent, headers, body, reading)
            except (CapabilityMissing, ContextTooLong, RequestFault) as error:
                if reading.is_taken:
                    raise
                if isinstance(error, RequestFault) and error.is_length_ending:
                    sink.taken()
                    sink.add(ended_at_limit(call.request.n))
                    return
                trial = trial or self._first_trial(call)
                if not trial.changes(error, self.own_fields):
                    raise
            else:
                return
            finally:
                if reading.is_taken and trial is not None:
                    trial.remember()

    def _first_trial(self, call: ProviderCall) -> Trial:
        self._memory = self._memory or ModelMemory()
        return Trial(self._memory, call)

    async def _post_streamed(
        self, call: ProviderCall, headers: Mapping[str, str], body: bytes, reading: AnswerReading
    ) -> None:
        try:
            async with asyncio.timeout(None) as timer:
                reading.late = timer
                await self._transport.post(self.url(call.model), headers, body, reading, call.request.pace)
        except TimeoutError:
            if not timer.expired():
                raise
            if reading.failure is not None:
                raise reading.failure from None
        except StreamCut:
            if reading.is_refused:  # the part of the error that has arrived is used
                raise reading.refusal() from None
            raise
        finally:
            if reading.limits is not None:
                self._limits[call.key] = reading.limits

    def _body_without(self, call: ProviderCall, left_out: frozenset[str]) -> dict[str, Any]:
        body = self.body(call)
        if left_out:
            leave_out(body, left_out & self.own_fields(call))
        if SIGNATURES in left_out:
            self.drop_signatures(body)
        if not FORMS.isdisjoint(left_out):
            self.change_forms(body, left_out)
        return body

    def _mending(self, call: ProviderCall) -> AnswerMending | None:
        return self.answer_mending(call) if call.request.options.tools else None

    @property
    def most_embedding_inputs(self) -> int:
        return self.spec.most_embedding_inputs

    @property
    def most_embedding_bytes(self) -> int:
        return self.spec.most_embedding_bytes

    async def embed(self, call: EmbeddingCall) -> Embeddings:  # noqa: ARG002 - a dialect with embeddings overrides it
        """Return a vector for each input. Raises a ProviderError."""
        raise CapabilityMissing("makes no embeddings")

    async def _post(self, path: str, body: Mapping[str, Any], key: int) -> bytes:
        """Post JSON, and return the complete body of the answer. Raises a ProviderError."""
        headers = {"content-type": "application/json", "accept": "application/json", **self._headers(key)}
        sent = json_bytes(body)
        async with http.post(self._http, self._base_url + path, headers, sent) as response:
            await self._check(response, key)
            return await http.whole_body(response, MOST_ANSWER_BYTES)

    async def probe(self, key: int = 0) -> None:
        await self._get(self.spec.probe_path, key)

    async def balance(self, key: int = 0) -> Balance | None:
        """Return the money left for an API key; None if the provider does not report it. Raises a ProviderError."""
        call = self.spec.balance
        return None if call is None else call.read(await self._get(call.path, key))

    async def models(self) -> frozenset[str]:
        """Return the names of the models that the server lists. Raises a ProviderError."""
        return _listed_names(await self._get("/models"))

    async def _get(self, path: str, key: int = 0) -> Any:
        response, body = await http.get(self._http, self._base_url + path, self._headers(key))
        if response.is_error:
            raise refusal(response.status_code, json_or_text(body), response.headers)
        return json_or_text(body)

    async def aclose(self) -> None:
        await self._transport.aclose()
        await self._http.aclose()

    @abstractmethod
    def url(self, model: str) -> str:
        """Return the URL to which a call of `model` is posted."""

    @abstractmethod
    def auth(self, secret: str) -> dict[str, str]:
        """Return the headers that carry a key."""

    @abstractmethod
    def body(self, call: ProviderCall) -> dict[str, Any]:
        """Return the JSON body of a call. Raises CapabilityMissing for a request that the dialect can't express."""

    @abstractmethod
    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        """Return the body's fields, as paths, that we added and that may be left out."""

    @abstractmethod
    def reader(self, call: ProviderCall) -> StreamReader:
        """Return a reader for the stream that answers `call`."""

    @abstractmethod
    def ignored_fields(self, call: ProviderCall) -> tuple[str, ...]:
        """Return the names of the request's fields that this dialect can't send unchanged."""

    def ignored(self, call: ProviderCall) -> tuple[str, ...]:
        """Return the names of the request's fields that the dialect can't send unchanged, or that the model refuses."""
        ignored = self.ignored_fields(call)
        if self._memory is None:
            return ignored
        return tuple(dict.fromkeys((*ignored, *self._memory.options.within(call))))

    def checks_schema(self, call: ProviderCall) -> bool:  # noqa: ARG002 - most dialects enforce it
        """Return True if the provider does not enforce the JSON schema of the request."""
        return False

    def drop_signatures(self, body: dict[str, Any]) -> None:  # noqa: B027 - only one dialect has any
        """Remove the signatures of other accounts or models from the history."""

    def change_forms(self, body: dict[str, Any], refused: frozenset[str]) -> None:  # noqa: B027 - two dialects do it
        """Change the parts of `body` whose forms, of FORMS, the model refuses."""

    def answer_mending(self, call: ProviderCall) -> AnswerMending | None:
        """Return the changes to make in the chunks of the answer; None if there are none."""
        return AnswerMending.of(call.request.options, PLAIN_NAME)

    def _headers(self, key: int) -> dict[str, str]:
        secret = self._secrets[key] if key < len(self._secrets) else ""
        return {**self.spec.headers, **(self.auth(secret) if secret else {})}

    async def _check(self, response: httpx.Response, key: int) -> None:
        """Store the rate limits of a response. Raises the ProviderError for a bad status, and Garbled for HTML."""
        if limits := limits_of(response.headers):
            self._limits[key] = limits
        if response.status_code >= 300:  # noqa: PLR2004
            body = json_or_text(await http.beginning(response, MOST_ERROR_BYTES))
            raise refusal(response.status_code, body, response.headers)
        if "html" in response.headers.get("content-type", ""):
            raise Garbled("a page instead of an answer", status=response.status_code)


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """Return JSON as UTF-8. A lone surrogate, which a tenant may send, becomes a question mark."""
    try:
        return _encode(body)
    except (ValueError, TypeError, OverflowError, RecursionError):  # the standard library is slower but accepts more
        return compact_json(body).encode(errors="replace")


def json_object(frame: Frame) -> dict[str, Any]:
    """Return the JSON object of a frame. Raises Garbled."""
    try:
        data = _loads(frame.data)
    except (ValueError, RecursionError) as error:
        raise Garbled("a frame that is no JSON") from error
    if isinstance(data, list):
        data = data[0] if data else {}
    if not isinstance(data, dict):
        raise Garbled("a frame that is not an object")
    return data


def _loads(text: str) -> Any:
    """Parse JSON. As a fallback the standard library accepts more: NaN, and lone surrogates."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return json.loads(text)


def integer(value: Any) -> int:
    """Return a whole number unchanged, even a negative one; 0 for any other value."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _listed_names(body: Any) -> frozenset[str]:
    """Return the names in a list of models: `data` of OpenAI and Anthropic, `models` of Gemini."""
    rows = objects(body.get("data") or body.get("models")) if isinstance(body, dict) else []
    return frozenset(name.removeprefix("models/") for row in rows for name in texts(row, "id", "name"))
