"""What was asked and what is answered, in no dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Finish = Literal["stop", "length", "tool", "refused"]


@dataclass(frozen=True, slots=True)
class AskedCall:
    """One HTTP request as a stand-in sees it. `key`: the caller's secret, empty when there is none."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    key: str
    model: str = ""
    method: str = ""
    sse: bool = True


@dataclass(frozen=True, slots=True)
class AskedTool:
    """A function that may be called, and one call of it."""

    name: str
    arguments: Mapping[str, Any]
    id: str = "call_stand_in_1"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, whatever its dialect. `whole`: all that its tokens are counted from, in order."""

    model: str
    prompt: str
    whole: str
    most: int
    stream: bool = False
    sse: bool = True
    turns: int = 1
    images: int = 0
    n: int = 1
    stop: tuple[str, ...] = ()
    tool: AskedTool | None = None
    tool_result: str | None = None
    wants_json: bool = False
    schema: Mapping[str, Any] | None = None
    thinks: bool = False
    shows_thoughts: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StandInAnswer:
    """`stopped_by`: the stop sequence that ended it, if one did."""

    text: str
    thought: str = ""
    tool: AskedTool | None = None
    finish: Finish = "stop"
    stopped_by: str | None = None


@dataclass(frozen=True, slots=True)
class StandInBill:
    """Tokens. `cached` and `written` are parts of `prompt`; `thought` is beside `output`."""

    prompt: int
    cached: int
    written: int
    output: int
    thought: int


@dataclass(frozen=True, slots=True)
class StandInFrame:
    """A piece of a stream; after a `word` there is a breath."""

    data: bytes
    word: bool = False


def count(text: str) -> int:
    """A stand-in's tokens: four UTF-8 bytes each, the last one perhaps shorter."""
    return -(-len(text.encode()) // 4)
