"""Embeddings for the openai client, from strict stand-ins: vectors, exact charges, failover within one model."""

import asyncio
import base64
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from sandbox.app import Sandbox
from sandbox.providers.embeddings import vector
from tests.web.conftest import ADMIN_KEY, CONFIG, RunningApi, serving

SMALL = "text-embedding-3-small"
PROVIDERS = ("openai", "openrouter", "gemini", "mistral")
WITH_PRICES = CONFIG + '\n[models.own]\noffers = ["openai/text-embedding-3-small"]\nusd_per_mtok = "5.00"\n'


@pytest.fixture
async def api(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[RunningApi]:
    async with serving(tmp_path, sandbox, WITH_PRICES, PROVIDERS) as running:
        yield running


async def test_client_gets_the_vectors_and_the_exact_charge(api: RunningApi) -> None:
    async with api.ai() as ai:
        raw = await ai.embeddings.with_raw_response.create(model=SMALL, input=["the sea", "the wind and the sea"])
    answer = raw.parse()
    assert (answer.object, answer.model) == ("list", SMALL)
    assert [(row.index, row.object) for row in answer.data] == [(0, "embedding"), (1, "embedding")]
    assert answer.data[0].embedding == pytest.approx(vector("the sea", 1536), rel=1e-6)
    usage: Any = answer.usage
    assert (usage.prompt_tokens, usage.total_tokens) == (2 + 5, 2 + 5)
    nano = 7 * 20 * 14 // 10
    assert (round(usage.cost * 10**9), usage.allowance_tokens) == (nano, 0)
    assert (raw.headers["x-farthing-provider"], raw.headers["x-farthing-model"]) == ("openai", SMALL)
    assert json.loads(raw.content)["farthing"] == {"provider": "openai", "model": SMALL, "ignored": []}
    (row,) = await api.rows("SELECT * FROM attempts")
    assert (row["charge_nanousd"], row["cost_nanousd"], row["input_tokens"], row["kept"]) == (nano, 140, 7, 1)
    assert await api.rows("SELECT * FROM receipts") == []
    await api.check_books()


async def test_decimal_numbers_and_base64_are_the_same_vector(api: RunningApi) -> None:
    async with api.http() as http:
        body = {"model": SMALL, "input": "the sea", "dimensions": 3}
        floats = (await http.post("/v1/embeddings", json=body)).json()["data"][0]["embedding"]
        packed = (await http.post("/v1/embeddings", json={**body, "encoding_format": "base64"})).json()["data"][0]
    assert floats == vector("the sea", 3)
    assert struct.unpack("<3f", base64.b64decode(packed["embedding"])) == pytest.approx(floats)


@pytest.mark.parametrize(
    ("model", "provider", "dimensions", "native"),
    [
        ("gemini-embedding-001", "gemini", 768, 3072),
        ("gemini/gemini-embedding-2", "gemini", 768, 3072),
        ("mistral-embed", "mistral", 1024, 1024),
        ("codestral-embed", "mistral", 512, 1536),
        ("openrouter/openai/text-embedding-3-small", "openrouter", 8, 1536),
        ("text-embedding-3-large", "openai", 256, 3072),
        ("text-embedding-ada-002", "openai", 1536, 1536),
    ],
)
async def test_each_provider_embeds_in_any_dimensions_that_its_model_has(
    api: RunningApi, model: str, provider: str, dimensions: int, native: int
) -> None:
    async with api.ai() as ai:
        for wanted, length in ((openai.omit, native), (dimensions, dimensions)):
            raw = await ai.embeddings.with_raw_response.create(model=model, input=["a", "b"], dimensions=wanted)
            assert [len(row.embedding) for row in raw.parse().data] == [length] * 2
            assert raw.headers["x-farthing-provider"] == provider
    await api.check_books()


@pytest.mark.parametrize(
    ("model", "calls", "tokens"),
    [(SMALL, 1, 250), ("gemini-embedding-001", 6, 250), ("mistral-embed", 2, 250)],
)
async def test_many_inputs_are_sent_in_parts_and_charged_once(
    api: RunningApi, model: str, calls: int, tokens: int
) -> None:
    texts = [f"{n:03}" for n in range(250)]
    async with api.ai() as ai:
        answer = await ai.embeddings.create(model=model, input=texts)
    assert [row.index for row in answer.data] == list(range(250))
    assert answer.data[201].embedding == pytest.approx(vector("201", len(answer.data[0].embedding)), rel=1e-6)
    assert answer.usage.total_tokens == tokens
    assert sum(found.calls for found in api.sandbox.stand_ins.providers.values()) == calls
    assert [row["n"] for row in await api.rows("SELECT count(*) AS n FROM attempts")] == [1]
    await api.check_books()


@pytest.mark.parametrize(("model", "texts", "calls"), [("mistral-embed", 20, 7), (SMALL, 130, 3)])
async def test_long_texts_keep_under_the_tokens_a_call(api: RunningApi, model: str, texts: int, calls: int) -> None:
    async with api.ai() as ai:
        answer = await ai.embeddings.create(model=model, input=["word " * 2000] * texts)
    assert len(answer.data) == texts
    assert sum(found.calls for found in api.sandbox.stand_ins.providers.values()) == calls


async def test_next_provider_of_the_same_model_answers_during_an_outage(api: RunningApi) -> None:
    api.set_mode("down", "openai")
    async with api.ai() as ai:
        raw = await ai.embeddings.with_raw_response.create(model=SMALL, input="the sea")
        usage: Any = raw.parse().usage
        with pytest.raises(openai.InternalServerError) as down:
            await ai.embeddings.create(model="openai/" + SMALL, input="the sea")
    assert raw.headers["x-farthing-provider"] == "openrouter"
    assert raw.parse().data[0].embedding == pytest.approx(vector("the sea", 1536), rel=1e-6)
    assert round(usage.cost * 10**9) == round(2 * 20 * 1.055 * 1.4)
    assert down.value.code == "no_provider_available"
    assert int(down.value.response.headers["retry-after"]) >= 1
    await api.check_books()


async def test_token_lists_are_taken_for_openais_models_alone(api: RunningApi) -> None:
    async with api.ai() as ai:
        answer = await ai.embeddings.create(model=SMALL, input=[[1, 2, 3], [4]])
        assert answer.usage.prompt_tokens == 4
        with pytest.raises(openai.BadRequestError, match="token lists"):
            await ai.embeddings.create(model="mistral-embed", input=[1, 2])
    await api.check_books()


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": ""}, 400, "invalid_value", "input"),
        ({"input": ["x"] * 2049}, 400, "invalid_value", "input"),
        ({"dimensions": 1537}, 400, "invalid_value", "dimensions"),
        ({"model": "mistral-embed", "dimensions": 9}, 400, "invalid_value", "dimensions"),
        ({"encoding_format": "x"}, 400, "invalid_value", "encoding_format"),
        ({"input": "x" * 40_000}, 400, "invalid_request", None),
        ({"model": "gpt-4o"}, 404, "model_not_found", "model"),
        ({"model": "auto"}, 404, "model_not_found", "model"),
        ({"model": "nothing"}, 404, "model_not_found", "model"),
        ({"model": "openrouter/qwen/qwen3-embedding-8b"}, 404, "model_not_found", "model"),
    ],
)
async def test_wrong_request_is_refused_in_openais_shape_and_not_charged(
    api: RunningApi, body: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    async with api.http() as http:
        answer = await http.post("/v1/embeddings", json={"model": SMALL, "input": "x", **body})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert await api.rows("SELECT * FROM transfers WHERE kind = 'charge'") == []
    await api.check_books()


async def test_chat_with_an_embedding_model_is_refused_with_the_way_to_go(api: RunningApi) -> None:
    async with api.ai() as ai:
        with pytest.raises(openai.NotFoundError, match="use /v1/embeddings"):
            await ai.chat.completions.create(model=SMALL, messages=[{"role": "user", "content": "hi"}])


async def test_empty_wallet_is_402_and_no_key_401(api: RunningApi) -> None:
    async with api.ai(await api.make_key()) as ai:
        with pytest.raises(openai.APIStatusError) as poor:
            await ai.embeddings.create(model=SMALL, input="x")
    assert (poor.value.status_code, poor.value.code) == (402, "insufficient_quota")
    async with api.http("") as http:
        assert (await http.post("/v1/embeddings", json={})).status_code == 401


async def test_flat_model_is_paid_by_the_allowance(api: RunningApi) -> None:
    async with api.ai() as ai:
        usage: Any = (await ai.embeddings.create(model="own", input="the sea")).usage
    assert (usage.cost, usage.allowance_tokens) == (0, 2)
    await api.check_books()


async def test_repeated_idempotency_key_is_answered_alike_and_charged_once(api: RunningApi) -> None:
    body = {"model": SMALL, "input": ["a", "b"]}
    async with api.http(**{"idempotency-key": "k1"}) as http:
        first = await http.post("/v1/embeddings", json=body)
        again = await http.post("/v1/embeddings", json=body)
        other = await http.post("/v1/embeddings", json={**body, "input": "c"})
        api.set_mode("down", *PROVIDERS)
        failed = await http.post("/v1/embeddings", json=body, headers={"idempotency-key": "k2"})
        api.set_mode("up", *PROVIDERS)
        api.container.market.health.resume("openai")
        healed = await http.post("/v1/embeddings", json=body, headers={"idempotency-key": "k2"})
    assert (first.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-farthing-provider"] == "openai"
    assert (other.status_code, failed.status_code) == (422, 503)
    assert healed.status_code in {200, 503}
    charges = await api.rows("SELECT * FROM transfers WHERE kind = 'charge'")
    assert len(charges) == 1 + (healed.status_code == 200)
    await api.check_books()


async def test_models_and_reports_name_the_embeddings(api: RunningApi) -> None:
    async with api.ai() as ai:
        listed = {model.id async for model in ai.models.list()}
        assert {f"openai/{SMALL}", "mistral/mistral-embed", "own"} <= listed
        assert (await ai.models.retrieve(SMALL)).id == SMALL
        await ai.embeddings.create(model=SMALL, input="the sea")
    async with api.http(ADMIN_KEY) as admin:
        (row,) = (await admin.get("/admin/usage")).json()["data"]
    assert (row["model"], row["provider"], row["prompts"], row["input_tokens"]) == (SMALL, "openai", 1, 2)
    assert row["charge_usd"] == "0.000000056"


async def test_hold_of_a_request_in_flight_is_voided_when_the_process_stops(api: RunningApi) -> None:
    api.set_mode("mute", "openai", "openrouter")
    async with api.http() as http:
        asking = asyncio.create_task(http.post("/v1/embeddings", json={"model": SMALL, "input": "x"}))
        while not api.container.gateway.in_flight:
            await asyncio.sleep(0.01)
        await api.container.gateway.close(0)
        answer = await asking
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "restarting")
    await api.check_books()
