"""Hostile requests from a caller with a valid key."""

import json
from typing import Any

import httpx
import pytest

from engine.json_limits import MOST_DEPTH
from sandbox.app import Sandbox
from tests.web.conftest import ASKED, CONFIG, RunningApi, serving
from web.requests.body import MOST_VALUES

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
async def test_body_of_too_many_values_is_refused_unread(api: RunningApi, filler: str) -> None:
    body = f'{{"model": "auto", "messages": {json.dumps(ASKED)}, "x": [{filler * (MOST_VALUES + 1)}1]}}'
    async with api.http() as http:
        answer = await http.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "values" in answer.json()["error"]["message"]


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


DEEP = {
    "tools.0.function.parameters": '"tools": [{"type": "function", "function": {"name": "f", "parameters": DEEP}}]',
    "response_format.json_schema.schema.a": (
        '"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": DEEP}}'
    ),
    "metadata.x.a.a": '"metadata": {"x": DEEP}',
    "messages.1.tool_calls.0": (
        '"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "1", '
        '"type": "function", "function": {"name": "f", "arguments": DEEP}}]}]'
    ),
}


@pytest.mark.parametrize("levels", [MOST_DEPTH, 952])
@pytest.mark.parametrize("field", DEEP)
async def test_deep_nesting_is_refused_with_its_field(api: RunningApi, field: str, levels: int) -> None:
    part = DEEP[field].replace("DEEP", nested(levels))
    messages = "" if "messages" in part else f', "messages": {json.dumps(ASKED)}'
    async with api.http() as http:
        answer = await http.post(
            CHAT,
            content=f'{{"model": "auto"{messages}, {part}}}',
            headers={"content-type": "application/json"},
        )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


@pytest.mark.parametrize("levels", [2000, 1_000_000])
async def test_nesting_beyond_the_parser_is_refused(api: RunningApi, levels: int) -> None:
    body = f'{{"model": "auto", "messages": {json.dumps(ASKED)}, "x": {"[" * levels}{"]" * levels}}}'
    async with api.http() as http:
        answer = await http.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


async def test_schema_of_usual_depth_is_passed_on(api: RunningApi) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": json.loads(nested(MOST_DEPTH - 8))}}
    async with api.http() as http:
        answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED, "tools": [tool]})
    assert answer.status_code == 200


@pytest.mark.parametrize("levels", [50, 500, 990, 20_000])
async def test_deep_arguments_of_a_call_are_no_error_of_ours(api: RunningApi, levels: int) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": nested(levels)}}
    said = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    async with api.http() as http:
        for model in ("auto", "seen"):
            answer = await http.post(CHAT, json={"model": model, "messages": said, "tools": [tool]})
            assert answer.status_code in {200, 400}, answer.text


async def test_commas_inside_strings_are_not_counted(api: RunningApi) -> None:
    said = '{"a": ["\\\\"], ' * 20_000
    messages: Any = [{"role": "user", "content": said}]
    async with api.http() as http:
        answer = await http.post(CHAT, json={"model": "gpt-4o", "messages": messages, "max_tokens": 100})
    assert "values" not in answer.text


@pytest.mark.parametrize("model", ["mybox/模型", "mybox/a b%c", "mybox/é"])
@pytest.mark.parametrize("stream", [False, True])
async def test_model_of_any_name_has_valid_headers(tmp_path: Any, sandbox: Sandbox, model: str, stream: bool) -> None:
    config = CONFIG + OWN.format(url=sandbox.provider_urls["openai"], model=model)
    async with serving(tmp_path, sandbox, config) as api:
        async with api.http(**{"Idempotency-Key": "k"}) as http:
            body = {"model": model, "messages": ASKED, "stream": stream}
            first, again = await http.post(CHAT, json=body), await http.post(CHAT, json=body)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.headers["x-farthing-model"] == again.headers["x-farthing-model"]
        assert first.headers["x-farthing-model"].isascii()
        await api.check_books()


@pytest.mark.parametrize(
    "model",
    [
        "mybox/a\r\nset-cookie: b=c",
        "mybox/" + "x" * 200,
        "mybox/\ud800",
        "\0",
        "gemini/gemini-1.5-flash/../gemini-2.5-pro",
        "gemini/gemini-1.5-flash/../../files?x=",
        "openai//gpt-4o",
        "gemini/gemini-2.5-flash-lite#x",
        "gemini/gemini-2.5-flash-lite%2e",
        "gemini\\gemini-2.5-flash-lite",
    ],
)
async def test_anything_but_a_name_is_an_unknown_model(api: RunningApi, model: str) -> None:
    async with api.http() as http:
        content = json.dumps({"model": model, "messages": ASKED})
        answer = await http.post(CHAT, content=content, headers={"content-type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
async def test_lone_surrogate_of_a_provider_breaks_no_answer(
    api: RunningApi, stream: bool, key: dict[str, str]
) -> None:
    half = b'data: {"choices": [{"delta": {"content": "a\\ud800b"}, "finish_reason": "stop"}]}\n\n'
    deepseek: Any = api.container.market.providers["deepseek"]
    deepseek.send_through(httpx.MockTransport(lambda _: httpx.Response(200, content=half)))
    async with api.http(**key) as http:
        body = {"model": "deepseek/deepseek-v4-flash", "messages": ASKED, "stream": stream}
        first, again = await http.post(CHAT, json=body), await http.post(CHAT, json=body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert "a?b" in first.text
    await api.check_books()


SCHEMAS: dict[str, Any] = {
    "tools": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"enum": [0.5] * 20_001}}}]},
    "functions": {"functions": [{"name": "f", "parameters": {"enum": [{}] * 20_001}}]},
    "response_format": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"enum": ["a"] * 20_001}}}
    },
}


@pytest.mark.parametrize("field", SCHEMAS)
async def test_schema_of_too_many_values_is_refused_with_its_field(api: RunningApi, field: str) -> None:
    async with api.http() as http:
        answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED, **SCHEMAS[field]})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field
    assert "20,000 values" in answer.json()["error"]["message"]


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16", "utf-32-be"])
@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/v1/embeddings"])
async def test_long_body_in_another_coding_than_utf_8_is_refused(api: RunningApi, path: str, coding: str) -> None:
    """U+2261 looks like a quote to a count of bytes, which would hide all values behind it."""
    body = json.dumps({"a": "\u2261", "x": [[]] * 30_000}, ensure_ascii=False).encode(coding)
    async with api.http() as http:
        answer = await http.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["error"]["message"]


async def test_many_surrogates_in_utf_8_are_refused(api: RunningApi) -> None:
    body = b'{"a":"' + b"\xed\xa0\x80" * 40_000 + b'"}'
    async with api.http() as http:
        answer = await http.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["error"]["message"]


async def test_integer_of_many_digits_is_refused(api: RunningApi) -> None:
    body = f'{{"model": "auto", "messages": {json.dumps(ASKED)}, "x": {"9" * 641}}}'
    async with api.http() as http:
        answer = await http.post(CHAT, content=body, headers={"content-type": "application/json; charset=utf-8"})
    assert answer.status_code == 400
