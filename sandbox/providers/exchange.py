"""A request and its answer as a stand-in handles them, independent of the dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TRANSCRIPTIONS_PATH = "audio/transcriptions"

Finish = Literal["stop", "length", "tool", "refused"]


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """One HTTP request as received. `key`: the caller's secret, empty if there is none."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    key: str
    model: str = ""
    method: str = ""
    sse: bool = True


@dataclass(frozen=True, slots=True)
class StandInToolCall:
    """A call of one of the request's functions."""

    name: str
    arguments: Mapping[str, Any]
    id: str = "call_stand_in_1"


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A chat request in any dialect.

    `counted`: the text whose tokens are billed as input. `most`: output limit in tokens. `top_logprobs`: the number of
    alternatives for each token, None without log probabilities.
    """

    model: str
    prompt: str
    counted: str
    most: int
    stream: bool = False
    sse: bool = True
    turns: int = 1
    images: int = 0
    n: int = 1
    stop: tuple[str, ...] = ()
    tool: StandInToolCall | None = None
    tool_result: str | None = None
    wants_json: bool = False
    schema: Mapping[str, Any] | None = None
    thinks: bool = False
    shows_thoughts: bool = True
    top_logprobs: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StandInAnswer:
    """An answer. `stopped_by`: the stop sequence that ended it, if one did."""

    text: str
    thought: str = ""
    tool: StandInToolCall | None = None
    finish: Finish = "stop"
    stopped_by: str | None = None


@dataclass(frozen=True, slots=True)
class StandInUsage:
    """Token counts. `cached` and `written` are parts of `prompt`; `thought` is not part of `output`."""

    prompt: int
    cached: int
    written: int
    output: int
    thought: int


@dataclass(frozen=True, slots=True)
class StandInFrame:
    """A piece of a stream. Frames with `word` are followed by a pause."""

    data: bytes
    word: bool = False


def count(text: str) -> int:
    """Return the stand-ins' token count of a text: one per four UTF-8 bytes, rounded up."""
    return -(-len(text.encode()) // 4)
