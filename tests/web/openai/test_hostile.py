"""Tests of hostile input from a client with a key, and of its answers."""

import json
from typing import Any

import httpx
import pytest

from sandbox.app import Sandbox
from tests.web.conftest import ASKED, CONFIG, Face, serving
from web.openai.completions import MOST_VALUES

CHAT = "/v1/chat/completions"
OWN = """
[prices."mybox/{model}"]
input = "0.01"
output = "0.02"
[providers.mybox]
dialect = "openai"
base_url = "{url}"
key_env = "OPENAI_API_KEY"
"""


@pytest.mark.parametrize("filler", ["[],", "{},", "1,"])
async def test_a_body_of_too_many_values_is_refused_unread(face: Face, filler: str) -> None:
    body = f'{{"model": "auto", "messages": {json.dumps(ASKED)}, "x": [{filler * (MOST_VALUES + 1)}1]}}'
    async with face.http() as http:
        answer = await http.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "values" in answer.json()["error"]["message"]


async def test_words_full_of_commas_are_no_values(face: Face) -> None:
    said = '{"a": ["\\\\"], ' * 20_000
    messages: Any = [{"role": "user", "content": said}]
    async with face.http() as http:
        answer = await http.post(CHAT, json={"model": "gpt-4o", "messages": messages, "max_tokens": 100})
    assert "values" not in answer.text


@pytest.mark.parametrize("model", ["mybox/模型", "mybox/a b%c", "mybox/é"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_of_any_name_answers_with_headers_that_can_be_sent(
    tmp_path: Any, sandbox: Sandbox, model: str, stream: bool
) -> None:
    config = CONFIG + OWN.format(url=sandbox.provider_urls["openai"], model=model)
    async with serving(tmp_path, sandbox, config) as face:
        async with face.http(**{"Idempotency-Key": "k"}) as http:
            body = {"model": model, "messages": ASKED, "stream": stream}
            first, again = await http.post(CHAT, json=body), await http.post(CHAT, json=body)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.headers["x-farthing-model"] == again.headers["x-farthing-model"]
        assert first.headers["x-farthing-model"].isascii()
        await face.check_books()


@pytest.mark.parametrize("model", ["mybox/a\r\nset-cookie: b=c", "mybox/" + "x" * 200, "mybox/\ud800", "\0"])
async def test_what_is_no_name_of_a_model_is_refused(face: Face, model: str) -> None:
    async with face.http() as http:
        content = json.dumps({"model": model, "messages": ASKED})
        answer = await http.post(CHAT, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
async def test_half_a_character_of_a_provider_breaks_no_answer(face: Face, stream: bool, key: dict[str, str]) -> None:
    half = b'data: {"choices": [{"delta": {"content": "a\\ud800b"}, "finish_reason": "stop"}]}\n\n'
    deepseek: Any = face.container.market.providers["deepseek"]
    deepseek._http = httpx.MockTransport(lambda _: httpx.Response(200, content=half))
    async with face.http(**key) as http:
        body = {"model": "deepseek/deepseek-v4-flash", "messages": ASKED, "stream": stream}
        first, again = await http.post(CHAT, json=body), await http.post(CHAT, json=body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert "a?b" in first.text
    await face.check_books()
