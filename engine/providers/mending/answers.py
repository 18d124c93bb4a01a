"""Answers changed to the client's wishes: its own tool names, and a single call if it allows no parallel ones."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from msgspec import structs

from engine.chat import Chunk, Delta, Finished, Options, ToolCallDelta
from engine.providers.mending.property_names import arguments_with
from engine.providers.mending.tool_names import clients_name, known_names


@dataclass(slots=True)
class AnswerMending:
    """Changes the chunks of one answer. `names`: the client's tool names by those that a model may call them.

    `has_one_call`: only the first call of a choice is passed on, for providers that can't be asked for one call.
    `properties`: the client's names of properties by those that were sent; the arguments are then passed on whole.
    """

    names: Mapping[str, str]
    has_one_call: bool
    properties: Mapping[str, str] = field(default_factory=dict)
    _first: dict[int, int] = field(default_factory=dict)
    _held: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Options, form: re.Pattern[str], properties: Mapping[str, str] | None = None) -> Self | None:
        """Return the changes for the answer to a request; None if there are none."""
        if not options.tools:
            return None
        return cls(known_names(options, form), options.parallel_tool_calls is False, properties or {})

    def mended(self, chunks: Sequence[Chunk], *, final: bool = False) -> Sequence[Chunk]:
        """Return the chunks with the changes made. `final`: none follow."""
        found: list[Chunk] = []
        for chunk in chunks:
            if isinstance(chunk, Finished):
                found += self._rest()
            if not isinstance(chunk, Delta) or not chunk.tool_calls:
                found.append(chunk)
                continue
            kept = (call for call in chunk.tool_calls if self._is_kept(chunk.index, call))
            calls = tuple(self._without_arguments(chunk.index, self._named(call)) for call in kept)
            if calls or chunk.text or chunk.thinking:
                found.append(structs.replace(chunk, tool_calls=calls))
        if final:
            found += self._rest()
        return found

    def _is_kept(self, index: int, call: ToolCallDelta) -> bool:
        return not self.has_one_call or self._first.setdefault(index, call.position) == call.position

    def _named(self, call: ToolCallDelta) -> ToolCallDelta:
        name = clients_name(call.name, self.names) if call.name else ""
        return call if name == call.name else replace(call, name=name)

    def _without_arguments(self, index: int, call: ToolCallDelta) -> ToolCallDelta:
        """Hold the arguments of a call back, if its properties have to be renamed."""
        if not self.properties or not call.arguments:
            return call
        self._held.setdefault((index, call.position), []).append(call.arguments)
        return replace(call, arguments="")

    def _rest(self) -> Iterator[Delta]:
        """Yield the arguments that were held back."""
        held, self._held = self._held, {}
        for (index, position), pieces in held.items():
            arguments = arguments_with("".join(pieces), self.properties)
            yield Delta("", index, (ToolCallDelta(position, arguments=arguments),))
