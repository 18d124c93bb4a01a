"""Tests of the stand-ins' embeddings, and of the requests that each provider refuses."""

import base64
import math
import struct
from typing import Any

import httpx
import pytest

from tests.sandbox.providers.asking import Asking

MODELS = {
    "openai": "text-embedding-3-small",
    "openrouter": "openai/text-embedding-3-small",
    "mistral": "mistral-embed",
    "deepseek": "bge-m3",
}
DIMENSIONS = {"openai": 1536, "openrouter": 1536, "mistral": 1024, "deepseek": 768}


async def embed(asking: Asking, name: str, key: str = "k", **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    whole = {"model": MODELS[name], "input": ["one", "two"], **body}
    return await asking.http.post(f"{asking.url}/{name}/embeddings", headers=headers, json=whole)


@pytest.mark.parametrize("name", MODELS)
async def test_vectors_have_the_models_dimensions_and_usage(asking: Asking, name: str) -> None:
    answer = (await embed(asking, name)).json()
    assert [row["index"] for row in answer["data"]] == [0, 1]
    one, two = (row["embedding"] for row in answer["data"])
    assert len(one) == len(two) == DIMENSIONS[name]
    assert one != two
    assert math.isclose(math.hypot(*one), 1)
    assert answer["usage"]["prompt_tokens"] == 2
    assert ("cost" in answer["usage"]) is (name == "openrouter")
    assert (await embed(asking, name)).json() == answer


async def test_base64_holds_the_same_numbers(asking: Asking) -> None:
    floats = (await embed(asking, "openai", dimensions=4)).json()["data"][0]["embedding"]
    text = (await embed(asking, "openai", dimensions=4, encoding_format="base64")).json()["data"][0]["embedding"]
    assert struct.unpack("<4f", base64.b64decode(text)) == pytest.approx(floats)


LONG = "x" * (8192 * 4 + 1)


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("openai", {"input": ""}, 400, "empty string"),
        ("openai", {"input": ["a", ""]}, 400, "empty string"),
        ("openai", {"input": []}, 400, "'$.input' is invalid"),
        ("openai", {"input": None}, 400, "'$.input' is invalid"),
        ("openai", {"input": ["a", 1]}, 400, "'$.input' is invalid"),
        ("openai", {"input": ["a"] * 2049}, 400, "'$.input' is invalid"),
        ("openai", {"input": LONG}, 400, "maximum context length is 8192"),
        ("openai", {"input": ["x" * 32_000] * 38}, 400, "max 300000 tokens per request"),
        ("openai", {"dimensions": 1537}, 400, "less than or equal to 1536"),
        ("openai", {"dimensions": 0}, 400, "dimensions"),
        ("openai", {"model": "text-embedding-ada-002", "dimensions": 9}, 400, "does not support specifying dimensions"),
        ("openai", {"model": "gpt-4o"}, 403, "not allowed to generate embeddings"),
        ("openai", {"model": "no-such-embedding"}, 404, "does not exist"),
        ("openai", {"model": ""}, 400, "model"),
        ("openai", {"output_dimension": 9}, 400, "Unrecognized request argument"),
        ("openai", {"encoding_format": "int8"}, 400, "int8"),
        ("openai", {"key": ""}, 401, "API key"),
        ("openrouter", {"model": "text-embedding-3-small"}, 400, "not a valid model ID"),
        ("mistral", {"dimensions": 9}, 422, "extra_forbidden"),
        ("mistral", {"output_dimension": 9}, 400, "does not support output_dimension"),
        ("mistral", {"model": "codestral-embed", "output_dimension": 3073}, 400, "output_dimension"),
        ("mistral", {"input": ["a"] * 513}, 400, "Too many inputs in request"),
        ("mistral", {"input": ["x" * 32_000] * 3}, 400, "Too many tokens in batch. Max is 16384"),
        ("mistral", {"input": [[1, 2]]}, 422, "extra_forbidden"),
        ("deepseek", {"dimensions": 9}, 400, "matryoshka"),
    ],
)
async def test_each_provider_refuses_its_own(
    asking: Asking, name: str, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await embed(asking, name, **body)
    assert answer.status_code == status
    assert words in answer.text


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
async def test_openai_takes_token_lists(asking: Asking, tokens: list[Any]) -> None:
    answer = (await embed(asking, "openai", input=tokens)).json()
    assert answer["usage"]["total_tokens"] == (2 if tokens == [1, 2] else 3)


async def test_modes_apply_to_embeddings(asking: Asking) -> None:
    for mode, status in (("429", 429), ("down", 503), ("up", 200)):
        asking.stand_ins.set_mode("openai", mode)
        assert (await embed(asking, "openai")).status_code == status
    asking.stand_ins.set_mode("openai", "no_usage")
    assert "usage" not in (await embed(asking, "openai")).json()
    asking.stand_ins.set_mode("openai", "garbage")
    assert "html" in (await embed(asking, "openai")).headers["content-type"]


async def test_dialect_without_embeddings_has_no_such_path(asking: Asking) -> None:
    answer = await asking.http.post(f"{asking.url}/anthropic/embeddings", headers={"x-api-key": "k"}, json={})
    assert answer.status_code == 404
