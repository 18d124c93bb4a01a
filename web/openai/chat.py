"""POST /v1/chat/completions: the family of OpenAI's chat completions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.responses import Response

from engine.chat import ChatRequest, Delta, Event, Finished
from engine.completion import Completion
from engine.tenancy import Charge
from web.errors import HttpProblem
from web.openai import chat_request, chat_response, legacy_functions
from web.openai.chat_files import ChatFileForm
from web.openai.chat_response import ChunkEncoder
from web.openai.plain_chat import PlainChat, plain_chat
from web.pipeline.family import Family, FamilyRequest, Origin, StreamEncoder
from web.pipeline.files import RequestFiles
from web.pipeline.unserved import unserved_fields


@dataclass(frozen=True, slots=True)
class ChatFamily(Family):
    """Chat completions in OpenAI's shape."""

    files: RequestFiles = field(default_factory=RequestFiles)

    def read_plain(self, raw: bytes, origin: Origin) -> FamilyRequest | None:
        plain = plain_chat(raw)
        return None if plain is None else PlainCompletionsRequest(plain, origin)

    async def read(self, body: Mapping[str, Any], origin: Origin) -> FamilyRequest:
        messages = await self.files.read(body.get("messages"), ChatFileForm(), "messages", origin.tenant_id)
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
        self._created = origin.created

    def whole(self, completion: Completion, charge: Charge) -> bytes:
        body = chat_response.completion_json(self.chat.id, self._created, completion, charge, self.ignored)
        finish = self._finish_of_call
        return chat_response.sendable(body if finish is None else legacy_functions.as_functions(body, finish))

    def encoder(self) -> StreamEncoder:
        kind = ChatEncoder if self._finish_of_call is None else partial(FunctionsEncoder, finish=self._finish_of_call)
        return kind(self.chat, self._created, self.ignored, with_usage=self._with_usage)


class PlainCompletionsRequest(ChatCompletionsRequest):
    """A request known to be valid and without fields to ignore."""

    def __init__(self, plain: PlainChat, origin: Origin) -> None:
        tenant = origin.caller.tenant
        self.chat = plain.request(origin.request_id, tenant.key.key_id if tenant and tenant.key else None)
        self.stream, self._with_usage = bool(plain.stream), plain.wants_usage
        self._finish_of_call, self._created = None, origin.created


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
