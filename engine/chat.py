"""What is said: a request, its answer in pieces, and what a provider reports. No provider's dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: a `data:` URL with base64 content, or an https address."""

    url: str
    detail: str = "auto"
    width: int = 0
    height: int = 0


Part: TypeAlias = Text | Image


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def says(role: Role, text: str) -> Message:
    """A message of text alone."""
    return Message(role, (Text(text),))


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What a request may ask beside its messages. Only these ever go out: no other field can change the bill.

    `tool_choice` and `response_format` are in OpenAI's form. None means: not asked.
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

    `max_output_tokens` is per choice; None = as much as plan and model allow.
    `epoch` counts the tries at answering it (a crash, a restart): the hold's id is (id, epoch).
    `gulp_seconds`: words may be read together, so far apart, by one who is shown them at a slower pace anyway.
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
    gulp_seconds: float = 0.0

    @property
    def has_pictures(self) -> bool:
        return any(isinstance(part, Image) for message in self.messages for part in message.parts)


class Finish(StrEnum):
    """Why an answer ended, in OpenAI's words."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    REFUSED = "content_filter"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `position` says which call of the choice it belongs to."""

    position: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer, for choice number `index`. `thinking` is a sign of life, not the answer."""

    text: str = ""
    index: int = 0
    tool_calls: tuple[ToolCallDelta, ...] = ()
    thinking: str = ""
    logprobs: Mapping[str, object] | None = None

    @property
    def is_content(self) -> bool:
        """True when it carries a part of the answer itself; reasoning alone is none."""
        return bool(self.text or self.tool_calls)


@dataclass(frozen=True, slots=True)
class Finished:
    """A choice has ended."""

    finish: Finish
    index: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as a provider reports them. `input_tokens` includes cached ones, `output_tokens` the thinking."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Served:
    """The provider names the model that answers (aliases and fallbacks move)."""

    model: str


Chunk: TypeAlias = Delta | Finished | Usage | Served
"""What a provider's stream yields. The last Usage wins; the stream returns only after a proper end."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Take back every word shown so far: another provider begins the answer anew."""

    provider: str
    model: str


Event: TypeAlias = Delta | Finished | Restart
"""What an answer yields to a face."""


@dataclass(frozen=True, slots=True)
class Choice:
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The kept answer, whole. `finish` of a choice is None where it was stopped or cut by its reader."""

    provider: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    stopped: bool = False

    @property
    def text(self) -> str:
        return self.choices[0].text if self.choices else ""
