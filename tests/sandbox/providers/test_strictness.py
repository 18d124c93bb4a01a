"""Tests that stand-ins refuse the same requests as the real providers."""

from typing import Any

import pytest

from tests.sandbox.providers.asking import LONG, PROVIDERS, Asking, request

HELLO = {"role": "user", "content": "hello"}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_insufficient_quota", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
USED = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "toolu_invalid_api_key", "name": "f", "input": {}}],
}
USED_TOOLS = {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}
PICTURE = {"inlineData": {"mimeType": "image/billing", "data": "aaaa"}}


@pytest.mark.parametrize("name", PROVIDERS)
async def test_request_without_a_key_is_refused(asking: Asking, name: str) -> None:
    response = await asking(name, key="")
    assert response.status_code == (403 if name == "gemini" else 401)
    assert (await asking.http.get(f"{asking.url}/{name}/models")).status_code == response.status_code


@pytest.mark.parametrize(
    ("name", "more", "status", "words"),
    [
        ("mistral", {"stream_options": {"include_usage": True}}, 422, "extra_forbidden"),
        ("mistral", {"messages": [{"role": "user", "content": "x", "reasoning_content": "y"}]}, 422, "extra_forbidden"),
        ("openai", {"model": "gpt-5-nano", "max_tokens": 9}, 400, "unsupported_parameter"),
        ("openai", {"model": "gpt-5-nano", "temperature": 0.2}, 400, "unsupported_parameter"),
        ("openai", {"model": "gpt-6-luna", "tools": [{"type": "function"}]}, 400, "reasoning_effort"),
        ("openai", {"plugins": []}, 400, "Unrecognized request argument"),
        ("openai", {"messages": []}, 400, "messages"),
        ("openai", {"messages": [{"role": "wizard", "content": "x"}]}, 400, "messages"),
        ("openai", {"max_completion_tokens": 0}, 400, "max_tokens"),
        ("openai", {"response_format": {"type": "json_object"}}, 400, "must contain the word 'json'"),
        ("openai", {"model": "no-such-model"}, 404, "model_not_found"),
        ("openai", {"stream_options": 7}, 400, "could not parse"),
        ("openai", {"reasoning_effort": "model_not_found"}, 400, "Invalid value: 'model_not_found'"),
        ("openai", {"model": "gpt-5.1", "reasoning_effort": "minimal"}, 400, "unsupported_value"),
        ("openai", {"messages": [CALLED]}, 400, "did not have response messages: call_insufficient_quota"),
        (
            "anthropic",
            {"messages": [HELLO, USED, HELLO], **USED_TOOLS},
            400,
            "immediately after: toolu_invalid_api_key",
        ),
        ("gemini", {"contents": [{"role": "user", "parts": [PICTURE]}]}, 400, "Unsupported MIME type: image/billing"),
        ("openrouter", {"model": "nonsense"}, 400, "not a valid model ID"),
        ("groq", {"plugins": []}, 400, "property 'plugins' is unsupported"),
        ("groq", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "image_url"),
        ("anthropic", {"temperature": 0.5}, 400, "temperature"),
        ("anthropic", {"thinking": {"type": "enabled", "budget_tokens": 9}}, 400, "budget_tokens"),
        ("anthropic", {"messages": [{"role": "assistant", "content": "I"}]}, 400, "prefill"),
        ("anthropic", {"n": 2}, 400, "Extra inputs"),
        ("gemini", {"model": "x"}, 400, "INVALID_ARGUMENT"),
        ("gemini", {"generationConfig": {"max_tokens": 5}}, 400, "Unknown name"),
        ("gemini", {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}, 400, "Thinking level"),
        ("gemini", {"contents": [{"role": "assistant", "parts": []}]}, 400, "contents"),
    ],
)
async def test_request_that_the_real_provider_refuses_is_refused(
    asking: Asking, name: str, more: dict[str, Any], status: int, words: str
) -> None:
    response = await asking(name, **more)
    assert response.status_code == status
    assert words in response.text


async def test_anthropic_needs_max_tokens_and_its_version(asking: Asking) -> None:
    _, _, body = request("anthropic", LONG, stream=True, most=9)
    url, key = f"{asking.url}/anthropic/messages", {"x-api-key": "k"}
    assert "anthropic-version" in (await asking.http.post(url, headers=key, json=body)).text
    del body["max_tokens"]
    versioned = {**key, "anthropic-version": "2023-06-01"}
    assert "max_tokens: Field required" in (await asking.http.post(url, headers=versioned, json=body)).text


async def test_body_that_is_no_json_is_a_400_in_the_dialect(asking: Asking) -> None:
    for name, path in (("openai", "/chat/completions"), ("gemini", "/models/m:generateContent")):
        headers = {"authorization": "Bearer k", "x-goog-api-key": "k"}
        for content in (b"{", b"[]", b"\xff"):
            response = await asking.http.post(f"{asking.url}/{name}{path}", headers=headers, content=content)
            assert response.status_code == 400
            assert "error" in response.json()


async def test_path_of_another_dialect_is_a_404(asking: Asking) -> None:
    for path in (
        "/gemini/chat/completions",
        "/openai/messages",
        "/deepseek/models/m:generateContent",
        "/nobody/models",
    ):
        call = asking.http.get if path.endswith("/models") else asking.http.post
        assert (await call(asking.url + path, headers={"authorization": "Bearer k"})).status_code == 404
