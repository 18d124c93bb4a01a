"""Tests of one offer's calls for embeddings: parts, tokens, cost and waste."""

import asyncio
from array import array
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest

from engine.catalog.embedding_models import PER_INPUT_TOKENS
from engine.chat import Usage
from engine.embeddings import Embeddings
from engine.errors import (
    Overloaded,
)
from engine.gateway.embeddings.attempt import BYTES_PER_SECOND, parts
from engine.gateway.gateway import Gateway
from engine.money import Money
from engine.ports import EmbeddingProvider, Ledger
from tests.engine.gateway.embeddings.scripts import Embedding, ScriptedEmbedder


async def test_inputs_over_the_limit_of_a_call_are_sent_in_parts() -> None:
    one = ScriptedEmbedder("a", most_inputs=2, tokens=3)
    embedding = Embedding(one)
    vectors, _ = await embedding("1", "2", "3", "4", "5")
    assert [call.inputs for call in one.calls] == [("1", "2"), ("3", "4"), ("5",)]
    assert vectors == [[0.0], [1.0], [0.0], [1.0], [0.0]]
    assert embedding.record.usage == Usage(9, 0)


async def test_failure_of_a_later_part_is_waste_and_all_is_asked_of_the_next_provider() -> None:
    first = Embeddings((array("d", [1.0]),), 4)
    half, whole = ScriptedEmbedder("a", first, Overloaded(), most_inputs=1), ScriptedEmbedder("b")
    embedding = Embedding(half, whole)
    vectors, _ = await embedding("1", "2")
    assert vectors == [[0.0], [1.0]]
    assert [call.inputs for call in whole.calls] == [("1", "2")]
    failed = embedding.journal.records[0]
    assert (failed.usage, failed.cost, failed.waste) == (Usage(4, 0), Money(8_000), Money(8_000))
    assert not failed.kept


@pytest.mark.parametrize(
    ("most_inputs", "most_bytes", "expected"),
    [
        (10, 100, [("aa", "bb", "é", (1, 2))]),
        (3, 100, [("aa", "bb", "é"), ((1, 2),)]),
        (10, 4, [("aa", "bb"), ("é",), ((1, 2),)]),
        (10, 1, [("aa",), ("bb",), ("é",), ((1, 2),)]),
    ],
)
def test_parts_keep_to_both_limits(most_inputs: int, most_bytes: int, expected: list[Any]) -> None:
    provider = cast("EmbeddingProvider", ScriptedEmbedder("a", most_inputs=most_inputs, most_bytes=most_bytes))
    assert list(parts(("aa", "bb", "é", (1, 2)), provider)) == expected


async def test_tokens_that_are_not_reported_are_estimated_and_marked() -> None:
    embedding = Embedding(ScriptedEmbedder("a", tokens=None))
    await embedding("tell me about the sea, please")
    usage = embedding.record.usage
    assert usage is not None
    assert usage.estimated
    assert 5 <= usage.input_tokens <= 9


async def test_report_far_over_the_bytes_is_not_believed() -> None:
    embedding = Embedding(ScriptedEmbedder("a", tokens=10**9))
    await embedding("hello")
    usage = embedding.record.usage
    assert usage is not None
    assert (usage.estimated, usage.input_tokens) == (True, 2)


async def test_cost_beyond_the_hold_is_waste() -> None:
    embedding = Embedding(ScriptedEmbedder("a", tokens=100))
    await embedding("hello")
    bound = (5 + PER_INPUT_TOKENS) * 2_000
    assert (embedding.record.cost, embedding.record.waste) == (Money(200_000), Money(200_000 - bound))


async def test_reported_cost_and_the_fee_are_the_cost() -> None:
    costs = [Embeddings((array("d", [1.0]),), 5, Decimal("0.0000001")) for _ in range(2)]
    embedding = Embedding(ScriptedEmbedder("a", *costs, most_inputs=1), fees={"a": Fraction("0.055")})
    await embedding("1", "2")
    assert embedding.ledger.held is not None
    assert embedding.ledger.held.bill is not None
    assert embedding.ledger.held.bill.cost_atto == 211 * 10**9


async def test_price_is_the_cost_where_one_call_reports_none() -> None:
    reports = [Embeddings((array("d", [1.0]),), 5, cost) for cost in (Decimal("0.5"), None)]
    embedding = Embedding(ScriptedEmbedder("a", *reports, most_inputs=1))
    await embedding("1", "2")
    assert embedding.record.cost == Money(20_000)


async def test_provider_that_does_not_answer_in_time_has_failed() -> None:
    silent = ScriptedEmbedder("a", asyncio.Event())
    embedding = Embedding(silent, ScriptedEmbedder("b"))
    embedding.market = replace(embedding.market, policy=replace(embedding.market.policy, first_token_seconds=0.01))
    embedding.gateway = Gateway(embedding.market, cast("Ledger", embedding.ledger))
    await embedding("x" * (BYTES_PER_SECOND // 100))
    assert embedding.outcomes() == [("a", "timeout")]
