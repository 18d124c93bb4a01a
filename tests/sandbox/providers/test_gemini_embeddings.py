"""Tests of the embeddings of Gemini's stand-in."""

from typing import Any

import httpx
import pytest

from tests.sandbox.providers.asking import Asking

MODEL = "gemini-embedding-001"


def wanted(text: str = "one", model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **more}


async def post(asking: Asking, body: Any, method: str = "batchEmbedContents", model: str = MODEL) -> httpx.Response:
    path = f"{asking.url}/gemini/models/{model}:{method}"
    return await asking.http.post(path, headers={"x-goog-api-key": "k"}, json=body)


async def test_batch_has_a_vector_for_each_request_and_no_usage(asking: Asking) -> None:
    answer = (await post(asking, {"requests": [wanted(), wanted("two", outputDimensionality=768)]})).json()
    assert [len(each["values"]) for each in answer["embeddings"]] == [3072, 768]
    assert set(answer) == {"embeddings"}


async def test_tokens_are_counted(asking: Asking) -> None:
    body = {"contents": [{"parts": [{"text": "12345"}]}, {"parts": [{"text": "1"}]}]}
    assert (await post(asking, body, "countTokens")).json() == {"totalTokens": 3}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"requests": [wanted()] * 101}, "at most 100 requests can be in one batch"),
        ({"requests": []}, "requests is empty"),
        ({"requests": [wanted()], "model": "x"}, "requests is empty"),
        ({"requests": [wanted("")]}, "empty Part"),
        ({"requests": [wanted(outputDimensionality=3073)]}, "Invalid output dimensionality"),
        ({"requests": [wanted(dimensions=3)]}, "Unknown name"),
        ({"requests": [wanted(model="other")]}, "must match"),
    ],
)
async def test_wrong_requests_are_refused(asking: Asking, body: Any, words: str) -> None:
    answer = await post(asking, body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert words in answer.json()["error"]["message"]


async def test_model_without_embeddings_is_not_found(asking: Asking) -> None:
    assert (await post(asking, {"requests": [wanted()]}, model="gemini-2.5-flash")).status_code == 404
    assert (await post(asking, {}, "countTokens")).status_code == 400
