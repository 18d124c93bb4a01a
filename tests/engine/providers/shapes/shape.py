"""Shape: bytes that a provider was reported to send, and the answer or failure that they must become."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from engine.catalog.offers import Offer
from engine.chat import Delta, Finish, Usage
from engine.errors import ProviderError
from engine.gateway.attempt_content import AttemptContent, choices_of
from tests.engine.providers.dialects.wires import ASKED, Wire

WIDTHS = (0, 1, 7)  # bytes per network read; 0: all in one


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `usage`: input, output, cached, cache-written and reasoning tokens; None: not reported."""

    text: str = ""
    finish: Finish = Finish.STOP
    usage: tuple[int, ...] | None = (9, 3)
    calls: tuple[tuple[str, str, str], ...] = ()
    thinking: str = ""
    refusal: str = ""
    is_disputed: bool = False


Outcome: TypeAlias = Answer | type[ProviderError]


@dataclass(frozen=True, slots=True)
class Shape:
    """A reported response. `source`: the reporter and the server; `body`: the bytes of the response."""

    source: str
    body: str
    outcome: Outcome
    provider: str = "local"
    model: str = ""
    content_type: str = "text/event-stream"


async def outcome_of(shape: Shape, width: int = 0) -> Outcome:
    """Return the result of an attempt whose response arrives in reads of `width` bytes."""
    raw = shape.body.encode()
    reads = [raw[start : start + width] for start in range(0, len(raw), width)] if width else [raw]
    wire = Wire(shape.provider, reads, model=shape.model, headers={"content-type": shape.content_type})
    content = AttemptContent(Offer(shape.provider, "m"), 1, 1000)
    try:
        for chunk in await wire.chunks(ASKED):
            content.add(chunk)
        content.finish()
    except ProviderError as error:
        return type(error)
    return answer_of(content)


def answer_of(content: AttemptContent) -> Answer:
    """Return the answer, after a check that each event has one kind of content and that the end comes once."""
    assert all(isinstance(event, Delta) for event in content.events[:-1])
    (choice,) = choices_of(content.events)
    assert choice.finish is not None
    return Answer(
        choice.text,
        choice.finish,
        tokens_of(content.usage),
        tuple((call.id, call.name, call.arguments) for call in choice.tool_calls),
        choice.thinking,
        choice.refusal,
        is_disputed=content.usage is not None and content.usage.is_disputed,
    )


def tokens_of(usage: Usage | None) -> tuple[int, ...] | None:
    """Return the counts of a usage, without zeros at the end."""
    if usage is None:
        return None
    counts = [
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    ]
    while counts and not counts[-1]:
        counts.pop()
    return tuple(counts)


def each(shapes: Iterable[Shape]) -> Callable[..., Any]:
    """Return a decorator that runs a test with every shape."""
    return pytest.mark.parametrize("shape", [pytest.param(shape, id=shape.source) for shape in shapes])
