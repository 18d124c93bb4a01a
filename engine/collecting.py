"""Putting an answer together from its pieces, and counting what nobody reported."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from engine.chat import ChatRequest, Choice, Chunk, Delta, Finish, Finished, Served, ToolCall, Usage
from engine.tokens import estimate, estimate_text

MOST_TOKENS = 20_000_000  # no model reads or writes as much: a report above it is an error


@dataclass(slots=True)
class _ToolCallParts:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Collected:
    """What one attempt has said so far, choice by choice."""

    def __init__(self) -> None:
        self._texts: defaultdict[int, list[str]] = defaultdict(list)
        self._calls: defaultdict[int, dict[int, _ToolCallParts]] = defaultdict(dict)
        self._finishes: dict[int, Finish] = {}
        self.usage: Usage | None = None
        self.served = ""

    def add(self, chunk: Chunk) -> None:
        if isinstance(chunk, Delta):
            self._add_delta(chunk)
        elif isinstance(chunk, Finished):
            self._finishes[chunk.index] = chunk.finish
        elif isinstance(chunk, Usage):
            self.usage = chunk
        elif isinstance(chunk, Served):
            self.served = chunk.model

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
        if delta.text:
            self._texts[delta.index].append(delta.text)
        for piece in delta.tool_calls:
            call = self._calls[delta.index].setdefault(piece.position, _ToolCallParts())
            call.id = call.id or piece.id
            call.name = call.name or piece.name
            call.arguments.append(piece.arguments)


def whole_usage(request: ChatRequest, collected: Collected) -> Usage:
    """What the provider reports for a whole answer; estimated, and marked so, where that is missing or absurd."""
    if collected.usage is not None and _sane(collected.usage):
        return collected.usage
    return estimated_usage(request, collected)


def partial_usage(request: ChatRequest, reported: Usage | None, delivered: Collected) -> Usage:
    """For an answer that was stopped: what the provider reports, else an estimate of what was delivered.

    Some report the input at the start and the output only at the end: then the output is estimated.
    """
    guess = estimated_usage(request, delivered)
    if reported is None or not _sane(reported):
        return guess
    if reported.output_tokens * 2 >= guess.output_tokens:
        return reported
    return replace(reported, output_tokens=guess.output_tokens, estimated=True)


def estimated_usage(request: ChatRequest, said: Collected) -> Usage:
    return Usage(estimate(request), estimate_text(said.words), estimated=True)


def _sane(usage: Usage) -> bool:
    parts = (usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens)
    if min(usage.input_tokens, usage.output_tokens, *parts) < 0 or usage.tokens > MOST_TOKENS:
        return False
    return usage.tokens > 0 and usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
