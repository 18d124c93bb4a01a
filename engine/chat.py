"""Chat requests and how their answers are read, the events of answers, and usage reports, in no dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from engine.privacy import NONE, Exclusions
from engine.thoughts import Thought


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Text:
    """A text. `ends_cached_prefix`: the client wants the prompt cached up to here; Claude caches on request only."""

    text: str
    ends_cached_prefix: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: a `data:` URL with base64 content, or an https URL. `ends_cached_prefix`: see Text."""

    url: str
    detail: str = "auto"
    width: int = 0
    height: int = 0
    ends_cached_prefix: bool = field(default=False, compare=False)


Part: TypeAlias = Text | Image


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call that the model requests; `arguments` is JSON text as the model wrote it.

    `signature`: opaque text that the provider wants back with the call. The id may contain it too: see `tool_ids`.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""


class Message(Struct, frozen=True):
    """One turn of a conversation.

    `thinking`: the reasoning of an assistant's turn, if the client sends it back, with its provider's signature.
    `thoughts`: the blocks of that reasoning, if there are several or redacted ones. `is_error`: the text of a tool's
    result tells why the tool failed.
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
    """Return a message that consists of one text."""
    return Message(role, (Text(text),))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call. `ends_cached_prefix`: see Text."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    strict: bool | None = None
    ends_cached_prefix: bool = field(default=False, compare=False)


class Options(Struct, frozen=True):
    """The options of a request. No other field is sent to a provider, so no other field can change the bill.

    `tool_choice` and `response_format` are in OpenAI's form. None means that the option was not given.
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
class ReadPace:
    """When to pause between reads. An answer appears early: its first `prompt_reads` reads with content have no pause.

    With 0 there are pauses before the content too. Each later read is followed by a pause of `pause_seconds`, or of
    `share` of the time that the answer has taken if that is longer, but at most `most_seconds`. `joins_texts`: texts
    that arrive together become one, for a reader that shows the answer at intervals, or at its end.
    """

    pause_seconds: float = 0.0
    prompt_reads: int = 8
    share: float = 0.0
    most_seconds: float = 0.05
    joins_texts: bool = False

    def pause(self, reads: int, seconds: float) -> float:
        """Return the seconds to pause after `reads` reads since the content began, `seconds` after the request."""
        if not self.pause_seconds or reads < self.prompt_reads:
            return 0.0
        return max(self.pause_seconds, min(self.most_seconds, self.share * seconds))


AT_ONCE = ReadPace()
LIVE = ReadPace(0.01, prompt_reads=2, share=0.02, most_seconds=0.02)
"""For a stream that is shown while it arrives: a burst of frames is read in a few steps."""

WHOLE = ReadPace(0.002, prompt_reads=0, share=1.0, joins_texts=True)
"""For an answer that is shown at its end: it arrives at most 50 ms later."""


class ChatRequest(Struct, frozen=True):
    """One prompt. `id` comes from the update or the HTTP request, so that a retry is the same request.

    `max_output_tokens` is per choice; None: as many as plan and model allow. A hold is identified by (id, epoch);
    `epoch` counts how often the answer was begun. `pace`: how fast the stream is read, if the reader shows it more
    slowly. `is_side_call`: made by a front end for itself, such as a summary, and not shown by /why. `exclusions`: the
    providers that may not see the prompt.
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
    """The reason why a choice ended, with the names of OpenAI's API."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    REFUSED = "content_filter"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call; `position` numbers the calls of one choice from 0.

    The first piece of a call has its id and name, later pieces have only arguments. `signature`: see ToolCall.
    """

    position: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    signature: str = ""


class Delta(Struct, frozen=True, gc=False):
    """A piece of the choice with the number `index`. A delta with only reasoning, or an empty one, has no content.

    `is_refusal`: the text is the model's refusal to answer. `thinking_signature`: opaque text that the provider wants
    back with the reasoning. `hides_thinking`: the reasoning was sent in unreadable form; `redacted_thinking` is that
    form, if it can be sent back. A Struct, because constructing a frozen dataclass takes many times longer.
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
    def is_content(self) -> bool:  # text, a tool call or another part of the answer itself
        return bool(self.text or self.tool_calls)

    @property
    def is_thinking(self) -> bool:  # with readable or hidden reasoning
        return bool(self.thinking or self.thinking_signature or self.hides_thinking)


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a choice.

    `at_stop_sequence`: perhaps at one of the request; `stop_sequence`: that one, if it is known.
    """

    finish: Finish
    index: int = 0
    at_stop_sequence: bool = field(default=False, compare=False)
    stop_sequence: str = field(default="", compare=False)

    @property
    def is_answer(self) -> bool:
        """True if a choice that ends so is an answer even without content."""
        return self.at_stop_sequence or self.finish in {Finish.LENGTH, Finish.REFUSED}


class Usage(Struct, frozen=True):
    """Tokens that a provider reports. `input_tokens` includes cached ones, `output_tokens` includes reasoning.

    `cost_usd`: the provider's own bill before its fee, if it reports one above zero. `is_disputed`: the parts of the
    report did not add up to its total; the larger number is used.
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


class Served(Struct, frozen=True):
    """The name of the model that answers, as the provider reports it. Aliases and fallbacks may change it."""

    model: str


class TextDeltas(Struct, frozen=True):
    """The texts of several deltas that came together and have only text. All are of the choice `index`."""

    texts: list[str]
    index: int = 0


Chunk: TypeAlias = Delta | TextDeltas | Finished | Usage | Served
"""An item of a provider's stream. The last Usage counts; the stream returns only after a proper end."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The reader must discard all content shown so far: another provider starts the answer anew."""

    provider: str
    model: str


Event: TypeAlias = Delta | Finished | Restart
"""An item of an answer, for a front end."""
