"""Tests of OpenAI's embeddings: the exact request, and the vectors, usage and errors of the answer."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from engine.errors import (
    CapabilityMissing,
    ContextTooLong,
    Garbled,
    KeyRefused,
    NoSuchModel,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
)
from engine.privacy import NONE, Exclusions
from tests.engine.providers.embeddings.calls import EmbeddingWire, lists, packed, rows


async def test_texts_are_posted_with_the_key() -> None:
    wire = EmbeddingWire("openai", rows(packed(0.5, -2), packed(1, 0)))
    found = await wire.embed("one", "two", model="text-embedding-3-small", dimensions=2, key=1)
    (request,) = wire.sent
    assert str(request.url) == "http://provider.test/v1/embeddings"
    assert request.headers["authorization"] == "Bearer k-2"
    assert wire.bodies() == [
        {"model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 2, "encoding_format": "base64"}
    ]
    assert lists(found) == [[0.5, -2], [1, 0]]
    assert (found.input_tokens, found.cost_usd) == (5, None)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("openai", {"encoding_format": "float"}),
        ("openrouter", {"encoding_format": "float"}),
        ("mistral", {"output_dimension": 2}),
        ("local", {}),
    ],
)
async def test_each_provider_is_sent_the_fields_that_it_takes(name: str, fields: dict[str, Any]) -> None:
    wire = EmbeddingWire(name, rows([1, 0.25]))
    await wire.embed("one", as_floats=True, dimensions=2)
    dimensions = {} if name == "mistral" else {"dimensions": 2}
    assert wire.bodies() == [{"model": "m", "input": ["one"], **dimensions, **fields}]


async def test_many_vectors_are_asked_for_as_base64_even_for_a_reader_of_decimals() -> None:
    wire = EmbeddingWire("openai", rows(*[packed(1)] * 65))
    await wire.embed(*["x"] * 65, as_floats=True)
    assert wire.bodies()[0]["encoding_format"] == "base64"


async def test_token_lists_are_posted_as_they_are() -> None:
    wire = EmbeddingWire("openai", rows([1], [2]))
    await wire.embed((1, 2), (3,))
    assert wire.bodies()[0]["input"] == [[1, 2], [3]]


async def test_decimal_numbers_are_kept_as_they_come() -> None:
    wire = EmbeddingWire("openai", rows([0.1, -0.0023064255, 1]))
    assert lists(await wire.embed(as_floats=True)) == [[0.1, -0.0023064255, 1.0]]


async def test_vectors_are_put_into_the_order_of_their_inputs() -> None:
    body = rows([1], [2], [3])
    body["data"].reverse()
    assert lists(await EmbeddingWire("openai", body).embed("a", "b", "c")) == [[1], [2], [3]]
    for row in body["data"]:
        del row["index"]
    assert lists(await EmbeddingWire("local", body).embed("a", "b", "c")) == [[3], [2], [1]]


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[" * 2000,
        [],
        {},
        {"data": None},
        {"data": [7]},
        rows(),
        rows([1], [2]),
        rows([]),
        rows(None),
        rows({"a": 1}),
        rows(["a"]),
        rows("!"),
        rows(packed(1)[:-3]),
        rows(float("nan")),
        rows([float("nan")]),
        rows([1e308, 1e308]),
        {"data": [{"index": -1, "embedding": [1]}]},
        {"data": [{"index": True, "embedding": [1]}]},
        {"data": [{"index": {}, "embedding": [1]}]},
        b'{"data": [' + b"0," * 2_000_001 + b"0]}",
    ],
    ids=lambda body: str(body)[:30],
)
async def test_answer_in_another_shape_is_garbled(body: Any) -> None:
    with pytest.raises(Garbled):
        await EmbeddingWire("openai", body).embed()


async def test_vectors_of_two_lengths_or_with_one_index_twice_are_garbled() -> None:
    with pytest.raises(Garbled):
        await EmbeddingWire("openai", rows([1], [1, 2])).embed("a", "b")
    body = rows([1], [2])
    body["data"][1]["index"] = 0
    with pytest.raises(Garbled):
        await EmbeddingWire("openai", body).embed("a", "b")


@pytest.mark.parametrize("indexes", [(1, None), (1, 0), ("1", "0"), (1.0, 0.0), (9, 8)])
async def test_index_is_read_in_the_forms_of_further_servers(indexes: tuple[Any, Any]) -> None:
    body = rows([1], [2])
    for row, index in zip(body["data"], indexes, strict=True):
        row["index"] = index
    found = await EmbeddingWire("openai", body).embed("a", "b")
    assert [list(each) for each in found.vectors] == [[2], [1]]


async def test_rows_without_indexes_are_in_order() -> None:
    body = {"data": [{"embedding": [1]}, {"embedding": [2]}]}
    found = await EmbeddingWire("openai", body).embed("a", "b")
    assert [list(each) for each in found.vectors] == [[1], [2]]


async def test_vector_within_a_list_is_read() -> None:
    found = await EmbeddingWire("local", rows([[1, 2]])).embed()
    assert list(found.vectors[0]) == [1, 2]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"vectors": None, "base_resp": {"status_code": 1002, "status_msg": "x"}}, RateLimited),
        ({"code": "Throttling", "message": "x"}, RateLimited),
        ({"detail": "x"}, Overloaded),
        ({"error": {"message": "x", "code": 429}}, RateLimited),
    ],
)
async def test_failure_within_a_200_has_its_class(body: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        await EmbeddingWire("local", body).embed()


async def test_error_of_zeros_beside_the_vectors_is_none() -> None:
    body = {**rows([1]), "error": {"code": 0, "message": ""}, "code": 0, "message": "ok"}
    assert (await EmbeddingWire("local", body).embed()).vectors


async def test_other_dimensions_than_asked_for_are_an_ability_that_is_missing() -> None:
    with pytest.raises(CapabilityMissing, match="dimensions"):
        await EmbeddingWire("local", rows([1, 2, 3])).embed(dimensions=2)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 7, "total_tokens": 7}, 7),
        ({"prompt_tokens": 7, "total_tokens": 9}, 9),
        ({"prompt_tokens": 7}, 7),
        ({"prompt_tokens": 0, "total_tokens": 0}, None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": "7"}, 7),
        ({"prompt_tokens": 7.0}, 7),
        ({"input_tokens": 7}, 7),
        ({"prompt_tokens": "many"}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
async def test_larger_count_of_tokens_is_taken(usage: Any, tokens: int | None) -> None:
    found = await EmbeddingWire("openai", rows([1], usage=usage)).embed()
    assert found.input_tokens == tokens


@pytest.mark.parametrize(
    ("name", "usage", "cost"),
    [
        ("openrouter", b'{"prompt_tokens": 5, "cost": 0.00000012345}', Decimal("0.00000012345")),
        ("openrouter", b'{"prompt_tokens": 5, "cost": 1.2e-7}', Decimal("1.2e-7")),
        ("openrouter", b'{"prompt_tokens": 5, "cost": 0}', None),
        ("openrouter", b'{"prompt_tokens": 5, "cost": 0.1, "is_byok": true}', None),
        ("openrouter", b"null", None),
        ("openai", b'{"prompt_tokens": 5, "cost": 0.1}', None),
    ],
)
async def test_reported_cost_is_read_exactly_where_the_provider_reports_it(
    name: str, usage: bytes, cost: Decimal | None
) -> None:
    body = b'{"data": [{"index": 0, "embedding": [0.1]}], "usage": ' + usage + b', "model": "usage"}'
    assert (await EmbeddingWire(name, body).embed()).cost_usd == cost


@pytest.mark.parametrize(
    ("name", "exclusions", "kind"),
    [
        ("openrouter", NONE, NoSuchModel),
        ("openrouter", Exclusions(training=True), CapabilityMissing),
        ("openrouter", Exclusions(frozenset({"openai"})), CapabilityMissing),
        ("openrouter", Exclusions(frozenset({"local"})), NoSuchModel),
        ("openai", Exclusions(training=True), NoSuchModel),
    ],
)
async def test_404_that_a_choice_of_companies_may_have_caused_says_nothing_about_the_model(
    name: str, exclusions: Exclusions, kind: type[ProviderError]
) -> None:
    wire = EmbeddingWire(name, {"error": {"message": "No endpoints found matching your data policy"}}, status=404)
    with pytest.raises(kind):
        await wire.embed(exclusions=exclusions)


async def test_refusals_are_classified_as_those_of_a_chat() -> None:
    long = {"error": {"message": "too long", "code": "context_length_exceeded"}}
    empty = {"error": {"message": "'$.input' is invalid.", "type": "invalid_request_error"}}
    for status, body, kind in ((400, long, ContextTooLong), (400, empty, RequestFault), (401, empty, KeyRefused)):
        with pytest.raises(kind):
            await EmbeddingWire("openai", body, status=status).embed()
    with pytest.raises(ProviderError):
        await EmbeddingWire("openai", {"error": {"message": "no", "code": 502}}).embed()


async def test_endless_answer_is_garbled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.providers.dialects.adapter.MOST_ANSWER_BYTES", 100)
    with pytest.raises(Garbled, match="without end"):
        await EmbeddingWire("openai", rows([1.5] * 100)).embed()


async def test_page_instead_of_an_answer_is_garbled() -> None:
    page = httpx.Response(200, headers={"content-type": "text/html"}, content=b"<html>")
    with pytest.raises(Garbled):
        await EmbeddingWire("openai", page).embed()


async def test_dialect_without_embeddings_lacks_the_ability() -> None:
    with pytest.raises(CapabilityMissing, match="makes no embeddings"):
        await EmbeddingWire("anthropic").embed()
