"""Answers changed to the client's wishes: its own tool names, and a single call if it allows no parallel ones."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from msgspec import structs

from engine.chat import Chunk, Delta, Options, ToolCallDelta
from engine.providers.mending.tool_names import clients_name, known_names


@dataclass(slots=True)
class AnswerMending:
    """Changes the chunks of one answer. `names`: the client's tool names by those that a model may call them.

    `has_one_call`: only the first call of a choice is passed on, for providers that can't be asked for one call.
    """

    names: Mapping[str, str]
    has_one_call: bool
    _first: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Options, form: re.Pattern[str]) -> Self | None:
        """Return the changes for the answer to a request; None if there are none."""
        if not options.tools:
            return None
        return cls(known_names(options, form), options.parallel_tool_calls is False)

    def mended(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        found: list[Chunk] = []
        for chunk in chunks:
            if not isinstance(chunk, Delta) or not chunk.tool_calls:
                found.append(chunk)
                continue
            calls = tuple(self._named(call) for call in chunk.tool_calls if self._is_kept(chunk.index, call))
            if calls or chunk.text or chunk.thinking:
                found.append(structs.replace(chunk, tool_calls=calls))
        return found

    def _is_kept(self, index: int, call: ToolCallDelta) -> bool:
        return not self.has_one_call or self._first.setdefault(index, call.position) == call.position

    def _named(self, call: ToolCallDelta) -> ToolCallDelta:
        name = clients_name(call.name, self.names) if call.name else ""
        return call if name == call.name else replace(call, name=name)
