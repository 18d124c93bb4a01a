"""Tests of POST /v1/embeddings: the fields of a request, and the rows of an answer."""

import asyncio
import base64
import json
import struct
from array import array
from typing import Any

import pytest

from engine.errors import BadRequest, UnknownModel
from tests.web.conftest import CONFIG, RunningApi
from web.openai.embeddings import embedding_request, encoded_rows

SMALL = "text-embedding-3-small"
PROVIDERS = ("openai", "openrouter", "gemini", "mistral")
WITH_PRICES = CONFIG + '\n[models.own]\noffers = ["openai/text-embedding-3-small"]\nusd_per_mtok = "5.00"\n'


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("one", ("one",)),
        (["one", " "], ("one", " ")),
        ([1, 2], ((1, 2),)),
        ([[1, 2], [0]], ((1, 2), (0,))),
        ([1.0, 2e3], ((1, 2000),)),
        ([[1.0], [2]], ((1,), (2,))),
        (["x"] * 2048, ("x",) * 2048),
    ],
)
def test_each_form_of_input_is_read(given: Any, inputs: Any) -> None:
    asked = embedding_request({"model": SMALL, "input": given, "user": 7}, id="r", key_id=3)
    assert (asked.inputs, asked.dimensions, asked.as_floats, asked.key_id) == (inputs, None, True, 3)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        [],
        [""],
        ["a", ""],
        ["a", 1],
        [[]],
        [[1], []],
        [1, "a"],
        [1.5],
        [True],
        [-1],
        [2**31],
        [float(2**31)],
        [-1.0],
        {"a": 1},
        7,
        [None],
        ["x"] * 2049,
        [[1], ["a"]],
        [[1] * 1000] * 301,
    ],
    ids=lambda given: str(given)[:20],
)
def test_other_input_is_refused_by_its_name(given: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        embedding_request({"model": SMALL, "input": given}, id="r")
    assert refused.value.field == "input"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dimensions", 0),
        ("dimensions", 1.5),
        ("dimensions", "9"),
        ("encoding_format", "int8"),
        ("model", ""),
        ("model", 7),
    ],
)
def test_other_fields_are_checked(field: str, value: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        embedding_request({"model": SMALL, "input": "x", field: value}, id="r")
    assert refused.value.field == field


def test_name_that_could_not_be_journaled_is_unknown() -> None:
    with pytest.raises(UnknownModel):
        embedding_request({"model": "a" * 300, "input": "x"}, id="r")


async def test_rows_are_numbers_or_base64_of_32_bit_ones() -> None:
    vectors = [array("d", [0.1, -1]), array("f", [0.5, 2])]
    rows = json.loads("[" + (await encoded_rows(vectors, as_floats=True)).decode() + "]")
    assert [row["embedding"] for row in rows] == [[0.1, -1.0], [0.5, 2.0]]
    assert [row["index"] for row in rows] == [0, 1]
    rows = json.loads("[" + (await encoded_rows(vectors, as_floats=False)).decode() + "]")
    assert struct.unpack("<2f", base64.b64decode(rows[0]["embedding"])) == pytest.approx((0.1, -1))
    assert base64.b64decode(rows[1]["embedding"]) == struct.pack("<2f", 0.5, 2)


async def test_encoding_lets_other_tasks_run() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    await encoded_rows([array("f", [0.0] * 3072)] * 70, as_floats=True)
    task.cancel()
    assert turns >= 9


async def test_field_that_no_offer_takes_is_named(api: RunningApi) -> None:
    body = {"model": SMALL, "input": "x", "input_type": "query", "user": "u"}
    async with api.http() as http:
        answer = await http.post("/v1/embeddings", json=body)
    assert answer.headers["x-farthing-ignored"] == "input_type"
    assert answer.json()["farthing"]["ignored"] == ["input_type"]


@pytest.mark.parametrize("is_large", [False, True])
async def test_large_answer_is_charged_once_and_not_kept(
    api: RunningApi, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    monkeypatch.setattr("web.pipeline.idempotency.MOST_STORED_BYTES", 1000 if is_large else 10**6)
    body = {"model": SMALL, "input": "x", "encoding_format": "float"}
    async with api.http(**{"Idempotency-Key": "k"}) as http:
        first, again = [await http.post("/v1/embeddings", json=body) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 409 if is_large else 200)
    assert again.headers["idempotent-replayed"] == "true"
    if is_large:
        assert again.json()["error"]["code"] == "idempotency_answer_too_large"
    else:
        assert again.content == first.content
    assert len(await api.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1
