"""Chat requests, the events of their answers and the usage reports, independent of any dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from engine.privacy import NONE, Exclusions
from engine.read_pace import AT_ONCE, ReadPace
from engine.thoughts import Thought


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Text:
    """A text. `ends_cached_prefix`: the client asks for a prompt cache up to here; Claude caches on request only."""

    text: str
    ends_cached_prefix: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: a `data:` URL with base64 content, or an https URL. `ends_cached_prefix`: as of Text."""

    url: str
    detail: str = "auto"
    width: int = 0
    height: int = 0
    ends_cached_prefix: bool = field(default=False, compare=False)


Part: TypeAlias = Text | Image


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model requests; `arguments` is JSON text as the model wrote it.

    `signature`: opaque text of the provider that must come back with the call. The id may carry it too: see `tool_ids`.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    `thinking`: the reasoning of an assistant's turn, where the client gives it back, and its provider's signature;
    `thoughts` are its blocks, where there are several or redacted ones.
    `is_error`: a tool's result that says why the tool failed.
    """

    role: Role
    parts: tuple[Part, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    thinking: str = ""
    thinking_signature: str = ""
    is_error: bool = False
    thoughts: tuple[Thought, ...] = ()

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def says(role: Role, text: str) -> Message:
    """Return a message of text alone."""
    return Message(role, (Text(text),))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call. `ends_cached_prefix`: as of Text."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    strict: bool | None = None
    ends_cached_prefix: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a request. No other field is sent to a provider, so none can change the bill.

    `tool_choice` and `response_format` are in OpenAI's form. None: not requested.
    """

    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str | Mapping[str, object] | None = None
    parallel_tool_calls: bool | None = None
    response_format: Mapping[str, object] | None = None
    reasoning_effort: str | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: Mapping[str, float] | None = None

    @property
    def wants_json(self) -> bool:
        return (self.response_format or {}).get("type") in {"json_object", "json_schema"}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One prompt. `id` comes from the update or the HTTP request, so that a retry is the same request.

    `max_output_tokens` is per choice; None: as many as plan and model allow. The hold's id is (id, epoch): `epoch`
    counts the times that an answer was begun. `pace`: of reading the stream, where the reader shows it more slowly.
    `is_side_call`: made by a front end for itself, such as a summary: /why goes on showing the answer before.
    `exclusions`: the providers that may not see it.
    """

    id: str
    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int | None = None
    n: int = 1
    options: Options = Options()
    epoch: int = 1
    key_id: int | None = None
    conversation: str = ""
    pace: ReadPace = AT_ONCE
    is_side_call: bool = False
    exclusions: Exclusions = NONE

    @property
    def has_pictures(self) -> bool:
        return any(isinstance(part, Image) for message in self.messages for part in message.parts)


class Finish(StrEnum):
    """The reason why a choice ended, named as in OpenAI's API."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    REFUSED = "content_filter"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call; `position` numbers the calls of one choice from 0.

    The first piece of a call has its id and its name, the later ones only arguments. `signature`: as of ToolCall.
    """

    position: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    signature: str = ""


class Delta(msgspec.Struct, frozen=True, gc=False):
    """A piece of choice number `index`. Reasoning shows that the model works, but is no content; so does an empty one.

    `is_refusal`: the text is the model's refusal to answer. `thinking_signature` is opaque text of the provider that
    must come back with the reasoning. `hides_thinking`: reasoning was sent in a form that can't be read, which is
    `redacted_thinking` where it can be given back. A Struct: a frozen dataclass takes many times longer to construct.
    """

    text: str = ""
    index: int = 0
    tool_calls: tuple[ToolCallDelta, ...] = ()
    thinking: str = ""
    logprobs: Mapping[str, object] | None = None
    is_refusal: bool = False
    thinking_signature: str = ""
    hides_thinking: bool = False
    redacted_thinking: str = ""

    @property
    def is_content(self) -> bool:  # a part of the answer itself
        return bool(self.text or self.tool_calls)

    @property
    def is_thinking(self) -> bool:  # readable or not
        return bool(self.thinking or self.thinking_signature or self.hides_thinking)


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a choice; `at_stop_sequence`: perhaps at one of the request, `stop_sequence` where that is known."""

    finish: Finish
    index: int = 0
    at_stop_sequence: bool = field(default=False, compare=False)
    stop_sequence: str = field(default="", compare=False)

    @property
    def is_answer(self) -> bool:
        """True when the end is an answer also without any content."""
        return self.at_stop_sequence or self.finish in {Finish.LENGTH, Finish.REFUSED}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as a provider reports them. `input_tokens` includes cached ones, `output_tokens` the reasoning.

    `cost_usd`: the provider's bill, before its fee, where it reports one above zero. `is_disputed`: the parts and the
    total of the report disagree; the larger number is here.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cost_usd: Decimal | None = None
    is_disputed: bool = False

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Served:
    """The model that answers, as its provider names it: aliases and fallbacks may change it."""

    model: str


@dataclass(frozen=True, slots=True)
class TextDeltas:
    """The texts of deltas of text alone, all of choice number `index`, that came together."""

    texts: list[str]
    index: int = 0


Chunk: TypeAlias = Delta | TextDeltas | Finished | Usage | Served
"""An item of a provider's stream. The last Usage counts; the stream returns only after a proper end."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The reader must discard all content shown so far: another provider begins the answer anew."""

    provider: str
    model: str


Event: TypeAlias = Delta | Finished | Restart
"""An item of an answer, for a front end."""
