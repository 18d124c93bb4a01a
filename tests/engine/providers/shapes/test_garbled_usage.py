"""Usage that comes beside, before or after the frame that makes an answer unreadable: the provider bills it."""

import pytest

from engine.chat import Delta, Usage
from engine.errors import Garbled, ProviderError
from engine.ports import ProviderCall
from tests.engine.providers.dialects.wires import ASKED, Wire, data
from tests.engine.providers.reading import ChunkSink
from tests.engine.providers.shapes import test_anthropic_streams as claude
from tests.engine.providers.shapes.chunks import COUNTS, call, calling, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, tokens_of
from tests.engine.providers.shapes.test_gemini_streams import part

GEMINI = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
NAMES = [f"n{number}" for number in range(200)]
TOO_MANY = calling(*(call(name, "{}", index=number, id=name) for number, name in enumerate(NAMES)))
PARTIAL = {"functionCall": {"name": "look", "partialArgs": [{"jsonPath": "$.a", "stringValue": "b"}]}}
REPEATED = [said(text) for text in ("A t", "A tex", "A text ", "A text th", "A text that", "A text that gr")]

BODIES = [
    ("local", stream(said("Hi"), TOO_MANY, choice("stop"), counted())),
    ("local", stream(said("Hi"), {**TOO_MANY, "usage": COUNTS})),
    ("local", stream(said("Hi"), {"choices": [{"delta": 7}], "usage": COUNTS})),
    ("local", stream(said("Hi"), "{oops", counted(), end="")),
    ("local", stream(*REPEATED, choice("stop"), counted())),
    ("gemini", data(part("Hi"), part(PARTIAL), part(finish="STOP", usageMetadata=GEMINI))),
    ("anthropic", "".join([*claude.PIECES[:3], "data: {oops\n\n", claude.END, claude.STOP])),
]


async def failure_of(provider: str, body: str, width: int) -> tuple[ProviderError, ChunkSink]:
    raw = body.encode()
    wire = Wire(provider, [raw[at : at + width] for at in range(0, len(raw), width)] if width else raw)
    sink = ChunkSink()
    with pytest.raises(ProviderError) as raised:
        await wire.provider.stream(ProviderCall(ASKED, wire.model, 100), sink)
    return raised.value, sink


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("provider", "body"), BODIES)
async def test_usage_of_an_unreadable_answer_is_passed_on(provider: str, body: str, width: int) -> None:
    error, sink = await failure_of(provider, body, width)
    assert isinstance(error, Garbled)
    reports = [chunk for chunk in sink.chunks if isinstance(chunk, Usage)]
    assert tokens_of(reports[-1]) == (9, 3)


@pytest.mark.parametrize(("provider", "body"), [("local", stream(said("Hi"), "{oops", said(" there"), end=""))])
async def test_no_text_is_read_after_an_unreadable_frame(provider: str, body: str) -> None:
    error, sink = await failure_of(provider, body, 0)
    assert isinstance(error, Garbled)
    assert [chunk.text for chunk in sink.chunks if isinstance(chunk, Delta)] == ["Hi"]


async def test_usage_of_the_start_counts_where_claude_is_cut() -> None:
    error, sink = await failure_of("anthropic", "".join(claude.PIECES[:3]), 0)
    assert not isinstance(error, Garbled)
    assert tokens_of(next(chunk for chunk in sink.chunks if isinstance(chunk, Usage))) == (9, 1)


async def test_usage_of_the_start_alone_is_not_passed_on() -> None:
    _, sink = await failure_of("anthropic", claude.START, 0)
    assert not [chunk for chunk in sink.chunks if isinstance(chunk, Usage)]
