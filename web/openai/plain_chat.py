"""Chat completions in the form of most requests: only texts and a few options, and nothing that is ignored.

They are read by one typed decoder, ten times as fast as field by field. All other requests, above all invalid ones, are
left to chat_request.py, which names the wrong field.
"""

from typing import Annotated, Literal

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from engine.catalog.model_names import MOST_NAME_CHARS
from engine.chat import ChatRequest, Message, Options, Role, Text
from web.openai.chat_request import MOST_MESSAGES

_ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
_Limit = Annotated[int, Meta(ge=1, le=10**7)] | None
_Temperature = Annotated[int, Meta(ge=0, le=2)] | Annotated[float, Meta(ge=0, le=2)] | None
_Share = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1)] | None
_Penalty = Annotated[int, Meta(ge=-2, le=2)] | Annotated[float, Meta(ge=-2, le=2)] | None


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
