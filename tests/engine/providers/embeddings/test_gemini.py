"""Tests of Gemini's embeddings: the exact requests, and the count if an answer reports no usage."""

import asyncio
from typing import Any

import httpx
import pytest

from engine.errors import CapabilityMissing, Garbled
from tests.engine.providers.embeddings.calls import EmbeddingWire, lists

MODEL = "gemini-embedding-001"


def answer(*vectors: Any, tokens: Any = None) -> dict[str, Any]:
    usage = {} if tokens is None else {"usageMetadata": {"promptTokenCount": tokens}}
    return {"embeddings": [{"values": vector} for vector in vectors], **usage}


async def test_each_text_is_a_request_of_the_batch() -> None:
    wire = EmbeddingWire("gemini", answer([1, 0], [0.25, 1], tokens=9))
    found = await wire.embed("one", "two", dimensions=2, model=MODEL, key=1)
    (request,) = wire.sent
    assert str(request.url) == f"http://provider.test/v1/models/{MODEL}:batchEmbedContents"
    assert request.headers["x-goog-api-key"] == "k-2"
    model = f"models/{MODEL}"
    assert wire.bodies() == [
        {
            "requests": [
                {"model": model, "content": {"parts": [{"text": "one"}]}, "outputDimensionality": 2},
                {"model": model, "content": {"parts": [{"text": "two"}]}, "outputDimensionality": 2},
            ]
        }
    ]
    assert (lists(found), found.input_tokens) == ([[1, 0], [0.25, 1]], 9)


@pytest.mark.parametrize("tokens", [None, 0, "9", True])
async def test_tokens_are_counted_where_the_answer_reports_none(tokens: Any) -> None:
    wire = EmbeddingWire("gemini", answer([1], [2], tokens=tokens), {"totalTokens": 11})
    assert (await wire.embed("one", "two", model=MODEL)).input_tokens == 11
    assert str(wire.sent[1].url).endswith(f"/models/{MODEL}:countTokens")
    assert wire.bodies()[1] == {"contents": [{"parts": [{"text": "one"}]}, {"parts": [{"text": "two"}]}]}
    assert "outputDimensionality" not in wire.bodies()[0]["requests"][0]


@pytest.mark.parametrize("counted", [httpx.Response(503, content=b"{}"), {}, b"no json", {"totalTokens": 0}])
async def test_failed_count_is_no_failure_of_the_answer(counted: Any) -> None:
    wire = EmbeddingWire("gemini", answer([1]), counted)
    found = await wire.embed(model=MODEL)
    assert (lists(found), found.input_tokens) == ([[1]], None)


async def test_count_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.providers.dialects.gemini.COUNT_SECONDS", 0)
    wire = EmbeddingWire("gemini", answer([1]), asyncio.Event())
    assert (await wire.embed(model=MODEL)).input_tokens is None


@pytest.mark.parametrize("body", [{}, {"embeddings": None}, {"embeddings": [1]}, answer([1], [2]), answer(None), []])
async def test_answer_in_another_shape_is_garbled(body: Any) -> None:
    with pytest.raises(Garbled):
        await EmbeddingWire("gemini", body).embed(model=MODEL)


async def test_token_lists_are_declined_before_anything_is_sent() -> None:
    wire = EmbeddingWire("gemini")
    with pytest.raises(CapabilityMissing, match="texts only"):
        await wire.embed("one", (1, 2), model=MODEL)
    assert wire.sent == []
