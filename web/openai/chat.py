"""POST /v1/chat/completions: the family of OpenAI's chat completions.

A plain request has texts alone and a few options, as most have. It is read by one typed decoder, an order of magnitude
faster than field by field. Everything else, wrong requests above all, is left to chat_request.py: it names the wrong
field.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder
from msgspec.structs import replace
from starlette.responses import Response

from engine.catalog.model_names import MOST_NAME_CHARS
from engine.chat import ChatRequest, Delta, Event, Finished, Message, Options, Role, Text, ToolCallDelta
from engine.completion import Completion
from engine.tenancy import Charge
from web.errors import HttpProblem
from web.openai import chat_request, chat_response, legacy_functions
from web.openai.chat_files import ChatFileForm
from web.openai.chat_request import MOST_MESSAGES
from web.openai.chat_response import ChunkEncoder
from web.openai.custom_tools import call_json, custom_names
from web.pipeline.family import Family, FamilyRequest, Origin, StreamEncoder
from web.pipeline.files import RequestFiles
from web.pipeline.unserved import unserved_fields

_ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
_Limit = Annotated[int, Meta(ge=1, le=10**7)] | None
_Temperature = Annotated[int, Meta(ge=0, le=2)] | Annotated[float, Meta(ge=0, le=2)] | None
_Share = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1)] | None
_Penalty = Annotated[int, Meta(ge=-2, le=2)] | Annotated[float, Meta(ge=-2, le=2)] | None


@dataclass(frozen=True, slots=True)
class ChatFamily(Family):
    """Chat completions in OpenAI's shape."""

    files: RequestFiles = field(default_factory=RequestFiles)

    def read_plain(self, raw: bytes, origin: Origin) -> FamilyRequest | None:
        plain = plain_chat(raw)
        return None if plain is None else PlainCompletionsRequest(plain, origin)

    async def read(self, body: Mapping[str, Any], origin: Origin) -> FamilyRequest:
        given, form = body.get("messages"), ChatFileForm()
        async with self.files.counting(origin.tenant, given, form.kind):
            messages = await self.files.read(given, form, "messages", origin.tenant_id)
            return ChatCompletionsRequest({**body, "messages": messages}, origin)

    def problem(self, problem: HttpProblem, request_id: str) -> Response:  # noqa: ARG002 - not in this shape
        return problem.response()


class ChatCompletionsRequest(FamilyRequest):
    """One request for a chat completion. Raises BadRequest that names the wrong field, and UnknownModel."""

    def __init__(self, body: Mapping[str, Any], origin: Origin) -> None:
        with_tools = legacy_functions.as_tools(body)
        self._finish_of_call = None if with_tools is None else legacy_functions.finish_of_call(body)
        self.chat = chat_request.chat_request(with_tools or body, id=origin.request_id, key_id=origin.caller.key_id)
        self.stream, self._with_usage = chat_request.wants_stream(body), chat_request.wants_usage(body)
        self.ignored = unserved_fields(body, chat_request.UNSERVED)
        self._custom = custom_names(body.get("tools"))
        self._created = origin.created

    def whole(self, completion: Completion, charge: Charge) -> bytes:
        body = chat_response.completion_json(self.chat.id, self._created, completion, charge, self.ignored)
        finish = self._finish_of_call
        if self._custom:
            with_custom_calls(body, self._custom)
        return chat_response.sendable(body if finish is None else legacy_functions.as_functions(body, finish))

    def encoder(self) -> StreamEncoder:
        kind: Callable[..., StreamEncoder] = ChatEncoder
        if self._finish_of_call is not None:
            kind = partial(FunctionsEncoder, finish=self._finish_of_call)
        elif self._custom:
            kind = partial(CustomCallsEncoder, custom=self._custom)
        return kind(self.chat, self._created, self.ignored, with_usage=self._with_usage)


class _PlainMessage(Struct, forbid_unknown_fields=True):
    role: Literal["system", "developer", "user", "assistant"]
    content: str


class _StreamOptions(Struct):
    include_usage: bool | None = None


class PlainChat(Struct, forbid_unknown_fields=True):
    """The body of a plain request. A request with any other field is not plain."""

    model: Annotated[str, Meta(min_length=1, max_length=MOST_NAME_CHARS)]
    messages: Annotated[list[_PlainMessage], Meta(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: _Limit = None
    max_completion_tokens: _Limit = None
    temperature: _Temperature = None
    top_p: _Share = None
    frequency_penalty: _Penalty = None
    presence_penalty: _Penalty = None
    n: Literal[1] | None = None
    user: str | None = None

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def request(self, id: str, key_id: int | None) -> ChatRequest:  # noqa: A002
        return ChatRequest(
            id=id,
            model=self.model,
            messages=tuple([Message(_ROLES[each.role], (Text(each.content),)) for each in self.messages]),
            max_output_tokens=self.max_completion_tokens or self.max_tokens,
            options=self._options(),
            key_id=key_id,
        )

    def _options(self) -> Options:
        return Options(
            temperature=self.temperature,
            top_p=self.top_p,
            frequency_penalty=self.frequency_penalty,
            presence_penalty=self.presence_penalty,
        )


_decode = Decoder(PlainChat).decode


def plain_chat(raw: bytes) -> PlainChat | None:
    """Return the body of a plain request; None for any other request, and for an invalid one."""
    try:
        body = _decode(raw)
    except (DecodeError, RecursionError):
        return None
    return body if body.model.isprintable() else None


class PlainCompletionsRequest(ChatCompletionsRequest):
    """A request known to be valid and without fields to ignore."""

    def __init__(self, plain: PlainChat, origin: Origin) -> None:
        tenant = origin.caller.tenant
        self.chat = plain.request(origin.request_id, tenant.key.key_id if tenant and tenant.key else None)
        self.stream, self._with_usage = bool(plain.stream), plain.wants_usage
        self._finish_of_call, self._custom, self._created = None, frozenset(), origin.created


class ChatEncoder(StreamEncoder):
    """Encodes a stream of chat completion chunks. The ends of choices are sent only after the answer was charged."""

    def __init__(self, chat: ChatRequest, created: int, ignored: Sequence[str] = (), *, with_usage: bool) -> None:
        self._id, self._created, self._ignored, self._with_usage = chat.id, created, ignored, with_usage
        self._is_first = True
        self._ends: list[Finished] = []

    def begin(self, provider: str, model: str) -> bytes:  # noqa: ARG002 - in OpenAI's shape the model is enough
        self._chunks = ChunkEncoder(self._id, self._created, model)
        return b""

    def event(self, event: Event) -> bytes:
        if isinstance(event, Finished):
            self._ends.append(event)
            return b""
        if isinstance(event, Delta) and not (event.is_content or event.thinking):
            return b""
        start, self._is_first = self._is_first, False
        return self._chunks.sse(event, start=start)

    def events(self, events: Sequence[Event]) -> bytes:
        """Return the bytes of `events`; the texts between the first and the ends are encoded together."""
        begin = b""
        if self._is_first and events:
            begin, events = self.event(events[0]), events[1:]
        if self._is_first or not all(map(_is_content, events)):
            return begin + b"".join(map(self.event, events))
        return begin + self._chunks.sse_all(events)

    def end(self, completion: Completion, charge: Charge) -> bytes:
        model = completion.model
        chunks = [
            chat_response.chunk_json(self._id, self._created, model, end, start=self._is_first and not number)
            for number, end in enumerate(self._ends)
        ]
        if self._with_usage:
            chunks.append(chat_response.usage_chunk_json(self._id, self._created, model, completion.usage, charge))
        if chunks:
            chunks[-1]["farthing"] = chat_response.farthing_json(completion, self._ignored)
        return b"".join(map(chat_response.event_of, chunks)) + b"data: [DONE]\n\n"

    def error(self, problem: HttpProblem) -> bytes:
        return chat_response.event_of(problem.body())


def _is_content(event: Event) -> bool:
    return isinstance(event, Delta) and event.is_content


class FunctionsEncoder(ChatEncoder):
    """Encodes a stream for a client that sent `functions`. `finish`: the finish reason of an answer with a call."""

    def __init__(
        self,
        chat: ChatRequest,
        created: int,
        ignored: Sequence[str] = (),
        *,
        with_usage: bool,
        finish: str = legacy_functions.CALLED,
    ) -> None:
        super().__init__(chat, created, ignored, with_usage=with_usage)
        self._finish = finish

    def event(self, event: Event) -> bytes:
        return legacy_functions.stream_as_functions(super().event(event), self._finish)

    def events(self, events: Sequence[Event]) -> bytes:
        return b"".join(map(self.event, events))

    def end(self, completion: Completion, charge: Charge) -> bytes:
        return legacy_functions.stream_as_functions(super().end(completion, charge), self._finish)


class CustomCallsEncoder(ChatEncoder):
    """Encodes a stream for a client that sent custom tools, whose names are `custom`.

    The input of their calls is a part of the function's arguments, so each call is sent at the end of its choice.
    """

    def __init__(
        self,
        chat: ChatRequest,
        created: int,
        ignored: Sequence[str] = (),
        *,
        with_usage: bool,
        custom: frozenset[str],
    ) -> None:
        super().__init__(chat, created, ignored, with_usage=with_usage)
        self._custom = custom
        self._calls: dict[tuple[int, int], list[ToolCallDelta]] = {}  # by choice and position

    def begin(self, provider: str, model: str) -> bytes:
        self._model = model
        return super().begin(provider, model)

    def event(self, event: Event) -> bytes:
        if isinstance(event, Finished):
            return self._calls_of(event.index) + super().event(event)
        if isinstance(event, Delta) and event.tool_calls:
            kept = tuple(piece for piece in event.tool_calls if not self._hold(event.index, piece))
            event = replace(event, tool_calls=kept)
        return super().event(event)

    def events(self, events: Sequence[Event]) -> bytes:
        return b"".join(map(self.event, events))

    def _hold(self, index: int, piece: ToolCallDelta) -> bool:
        """Hold a piece back; return False if it belongs to a function's call."""
        place = index, piece.position
        if place not in self._calls and piece.name not in self._custom:
            return False
        self._calls.setdefault(place, []).append(piece)
        return True

    def _calls_of(self, index: int) -> bytes:
        return b"".join([self._call(place, pieces) for place, pieces in self._calls.items() if place[0] == index])

    def _call(self, place: tuple[int, int], pieces: Sequence[ToolCallDelta]) -> bytes:
        start, self._is_first = self._is_first, False
        chunk = chat_response.chunk_json(self._id, self._created, self._model, Delta("", place[0]), start=start)
        arguments = "".join([piece.arguments for piece in pieces])
        call = {"index": place[1], **call_json(pieces[0].id, pieces[0].name, arguments)}
        chunk["choices"][0]["delta"]["tool_calls"] = [call]
        return chat_response.event_of(chunk)


def with_custom_calls(answer: dict[str, Any], custom: frozenset[str]) -> None:
    """Change an answer in place: each call of a custom tool gets its own form."""
    for choice in answer["choices"]:
        calls = choice["message"].get("tool_calls", [])
        for place, call in enumerate(calls):
            if (name := call["function"]["name"]) in custom:
                calls[place] = call_json(call["id"], name, call["function"]["arguments"])
