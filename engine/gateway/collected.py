"""Putting an answer together from its pieces, and counting what nobody reported."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from engine.catalog.token_counts import estimate, estimate_text
from engine.chat import ChatRequest, Choice, Chunk, Delta, Finish, Finished, Served, ToolCall, Usage
from engine.errors import Garbled

MOST_TOKENS = 20_000_000  # no model reads or writes as much: a report above it is an error
MOST_NAME_CHARS = 200
MOST_CHARS = 16_000_000  # of one answer: what says more is not going to end
_MORE_CHARS, _CHARS_PER_TOKEN = 200_000, 64  # what a limit of tokens leaves room for: only blanks come to so many
_CALL_CHARS = 32  # an empty piece of a tool call is not nothing
_DOUBT_TIMES, _DOUBT_TOKENS = 4, 10_000  # a report is absurd from so far beyond the bounds of its request


@dataclass(slots=True)
class _ToolCallParts:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Collected:
    """What one attempt has said so far, choice by choice; `most_tokens`: what it was allowed to."""

    def __init__(self, most_tokens: int | None = None) -> None:
        tokens = MOST_CHARS if most_tokens is None else most_tokens
        self._room = min(MOST_CHARS, _MORE_CHARS + _CHARS_PER_TOKEN * tokens)
        self._room_to_think = MOST_CHARS
        self._texts: defaultdict[int, list[str]] = defaultdict(list)
        self._calls: defaultdict[int, dict[int, _ToolCallParts]] = defaultdict(dict)
        self._finishes: dict[int, Finish] = {}
        self.usage: Usage | None = None
        self.served = ""

    def add(self, chunk: Chunk) -> None:
        """Raises Garbled for an answer without an end."""
        if isinstance(chunk, Delta):
            self._add_delta(chunk)
        elif isinstance(chunk, Finished):
            self._finishes.setdefault(chunk.index, chunk.finish)
        elif isinstance(chunk, Usage):
            self.usage = chunk
        elif isinstance(chunk, Served):
            self.served = chunk.model[:MOST_NAME_CHARS]

    def is_whole(self, choices: int) -> bool:
        """True when every choice has ended, and there is something to show for it."""
        ended = len(self._finishes) >= choices
        return ended and (self.has_words or Finish.REFUSED in self._finishes.values())

    def endings(self) -> tuple[Finished, ...]:
        """How each choice ended, once; one that only stopped talking has ended too."""
        ended = dict(self._finishes)
        for index in (*self._texts, *self._calls):
            ended.setdefault(index, Finish.TOOL_CALLS if index in self._calls else Finish.STOP)
        self._finishes = ended
        return tuple(Finished(finish, index) for index, finish in sorted(ended.items()))

    @property
    def has_words(self) -> bool:
        return bool(self._texts or self._calls)

    @property
    def words(self) -> str:
        """Everything said, tool calls included: for counting."""
        texts = ["".join(parts) for parts in self._texts.values()]
        calls = [part for parts in self._calls.values() for call in parts.values() for part in call.arguments]
        return "".join(texts + calls)

    def choices(self) -> tuple[Choice, ...]:
        """In order; a choice that said nothing but ended is there, empty."""
        last = max([*self._texts, *self._calls, *self._finishes], default=-1)
        return tuple(self._choice(index) for index in range(last + 1))

    def _choice(self, index: int) -> Choice:
        calls = tuple(
            ToolCall(call.id, call.name, "".join(call.arguments))
            for _, call in sorted(self._calls.get(index, {}).items())
        )
        return Choice("".join(self._texts.get(index, ())), calls, self._finishes.get(index))

    def _add_delta(self, delta: Delta) -> None:
        self._room_to_think -= len(delta.thinking)
        self._room -= len(delta.text)
        if delta.text:
            self._texts[delta.index].append(delta.text)
        for piece in delta.tool_calls:
            self._room -= _CALL_CHARS + len(piece.id) + len(piece.name) + len(piece.arguments)
            call = self._calls[delta.index].setdefault(piece.position, _ToolCallParts())
            call.id = call.id or piece.id
            call.name = call.name or piece.name
            call.arguments.append(piece.arguments)
        if self._room < 0 or self._room_to_think < 0:
            raise Garbled("an answer without an end")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a request can come to at most, by what was held for it: input, and output of all choices."""

    input_tokens: int
    output_tokens: int


def whole_usage(request: ChatRequest, collected: Collected, bounds: Bounds | None = None) -> Usage:
    """What the provider reports for a whole answer; estimated, and marked so, where that is missing or absurd."""
    if collected.usage is not None and _sane(collected.usage, bounds):
        return collected.usage
    return estimated_usage(request, collected, bounds)


def partial_usage(
    request: ChatRequest, reported: Usage | None, delivered: Collected, bounds: Bounds | None = None
) -> Usage:
    """For an answer that was stopped: what the provider reports, else an estimate of what was delivered.

    Some report the input at the start and the output only at the end: then the output is estimated.
    """
    guess = estimated_usage(request, delivered, bounds)
    if reported is None or not _sane(reported, bounds):
        return guess
    if reported.output_tokens * 2 >= guess.output_tokens:
        return reported
    return replace(reported, output_tokens=guess.output_tokens, estimated=True)


def estimated_usage(request: ChatRequest, said: Collected, bounds: Bounds | None = None) -> Usage:
    """By the bytes, within the bounds."""
    inward, outward = estimate(request), estimate_text(said.words)
    if bounds is not None:
        inward, outward = min(inward, bounds.input_tokens), min(outward, bounds.output_tokens)
    return Usage(inward, outward, estimated=True)


def _sane(usage: Usage, bounds: Bounds | None) -> bool:
    parts = (usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens)
    if min(usage.input_tokens, usage.output_tokens, *parts) < 0 or usage.tokens > MOST_TOKENS:
        return False
    if bounds is not None and not _within(usage, bounds):
        return False
    return usage.input_tokens > 0 and usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens


def _within(usage: Usage, bounds: Bounds) -> bool:
    return (
        usage.input_tokens <= bounds.input_tokens * _DOUBT_TIMES + _DOUBT_TOKENS
        and usage.output_tokens <= bounds.output_tokens * _DOUBT_TIMES + _DOUBT_TOKENS
    )
