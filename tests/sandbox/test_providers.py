"""The stand-ins over real loopback HTTP: each dialect, each switch."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from sandbox.providers import MODES, MORE_MODES, StandIns
from sandbox.providers.answers import sample, words
from sandbox.providers.asked import count

LONG = "Tell me at some length about the sea and the wind"
PROVIDERS = ("deepseek", "gemini", "openrouter", "openai", "anthropic", "groq", "mistral")
OPENAI_LIKE = ("deepseek", "openrouter", "openai", "groq", "mistral")
MODELS = {
    "deepseek": "deepseek-v4-flash",
    "gemini": "gemini-2.5-flash-lite",
    "openrouter": "deepseek/deepseek-v4-flash",
    "openai": "gpt-4o-mini",
    "anthropic": "claude-haiku-5-5",
    "groq": "openai/gpt-oss-20b",
    "mistral": "mistral-small-latest",
}
CALM: dict[str, dict[str, Any]] = {
    "deepseek": {"thinking": {"type": "disabled"}},
    "openrouter": {"reasoning": {"effort": "none"}},
    "anthropic": {"thinking": {"type": "disabled"}},
}


class Asking:
    """Asks any provider the same thing, each in its dialect."""

    def __init__(self, stand_ins: StandIns, url: str, http: httpx.AsyncClient) -> None:
        self.stand_ins, self.url, self.http = stand_ins, url, http

    async def __call__(
        self, name: str, prompt: str = LONG, *, stream: bool = True, key: str = "k-1", most: int = 4096, **more: Any
    ) -> httpx.Response:
        path, headers, body = request(name, prompt, stream, most)
        secret = {"gemini": "x-goog-api-key", "anthropic": "x-api-key"}.get(name)
        headers |= ({secret: key} if secret else {"authorization": f"Bearer {key}"}) if key else {}
        return await self.http.post(f"{self.url}/{name}{path}", headers=headers, json={**body, **more})

    async def frames(self, name: str, prompt: str = LONG, **more: Any) -> list[Any]:
        return events((await self(name, prompt, **more)).text)


def request(name: str, prompt: str, stream: bool, most: int) -> tuple[str, dict[str, str], dict[str, Any]]:
    turns = [{"role": "user", "content": prompt}]
    if name == "gemini":
        path = f"/models/{MODELS[name]}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        contents = [{"role": "user", "parts": [{"text": prompt}]}]
        return path, {}, {"contents": contents, "generationConfig": {"maxOutputTokens": most}}
    body = {"model": MODELS[name], "messages": turns, "stream": stream, **CALM.get(name, {})}
    if name == "anthropic":
        return "/messages", {"anthropic-version": "2023-06-01"}, {**body, "max_tokens": most}
    limit = "max_completion_tokens" if name in {"openai", "groq"} else "max_tokens"
    return "/chat/completions", {}, {**body, limit: most}


def events(text: str) -> list[Any]:
    """Every frame's data; `[DONE]` as the word."""
    found = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [each if each == "[DONE]" else json.loads(each) for each in found]


def said(name: str, frames: list[Any]) -> str:
    if name == "gemini":
        parts = [p for f in frames for c in f.get("candidates", ()) for p in c["content"]["parts"]]
        return "".join(part.get("text", "") for part in parts if not part.get("thought"))
    if name == "anthropic":
        return "".join(f["delta"].get("text", "") for f in frames if f["type"] == "content_block_delta")
    choices = [choice for f in frames if f != "[DONE]" for choice in f["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def usage(name: str, frames: list[Any]) -> Any:
    """Where this provider puts it at the end of a stream."""
    if name == "gemini":
        return frames[-1]["usageMetadata"]
    if name == "anthropic":
        return next(f["usage"] for f in frames if f["type"] == "message_delta")
    if name == "groq":
        return frames[-2]["x_groq"]["usage"]
    return frames[-2]["usage"]


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    stand_ins = StandIns(word_seconds=0.0, slow_seconds=0.0)
    config = uvicorn.Config(stand_ins.app(), port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        yield Asking(stand_ins, f"http://127.0.0.1:{port}", http)
    server.should_exit = True
    await serving


# --- answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_stream_says_that_it_is_a_stand_in_and_shows_everything(asking: Asking, name: str) -> None:
    text = said(name, await asking.frames(name))
    assert "stand-in for" in text
    assert LONG in text
    assert all(mark in text for mark in ("## ", "**", "- a list", "```python", "|---|", "](https://"))


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_short_prompt_gets_a_short_answer_and_streamed_or_whole_it_is_the_same(
    asking: Asking, name: str
) -> None:
    streamed = said(name, await asking.frames(name, "hi"))
    body = (await asking(name, "hi", stream=False)).json()
    if name == "gemini":
        text = body["candidates"][0]["content"]["parts"][0]["text"]
    elif name == "anthropic":
        text = body["content"][0]["text"]
    else:
        text = body["choices"][0]["message"]["content"]
    assert "stand-in" in text
    assert len(text) < 200
    assert streamed == text


@pytest.mark.parametrize("name", PROVIDERS)
async def test_usage_counts_four_bytes_a_token_where_each_puts_it(asking: Asking, name: str) -> None:
    more: Any = {"stream_options": {"include_usage": True}} if name in {"openai", "openrouter", "groq"} else {}
    frames = await asking.frames(name, **more)
    told = usage(name, [f for f in frames if f == "[DONE]" or "x_groq" in f] if name == "groq" else frames)
    asked, answered = count(LONG), count(said(name, frames))
    if name == "gemini":
        assert (told["promptTokenCount"], told["candidatesTokenCount"]) == (asked, answered)
    elif name == "anthropic":
        assert (told["input_tokens"], told["output_tokens"]) == (asked, answered)
        assert frames[0]["message"]["usage"]["input_tokens"] == asked
    else:
        thought = told["completion_tokens_details"]["reasoning_tokens"]
        assert (told["prompt_tokens"], told["completion_tokens"] - thought) == (asked, answered)


async def test_usage_comes_beside_the_finish_reason_or_in_a_chunk_of_its_own(asking: Asking) -> None:
    for name in ("deepseek", "mistral"):
        frames = await asking.frames(name)
        assert frames[-2]["choices"][0]["finish_reason"] == "stop"
        assert frames[-2]["usage"]["completion_tokens"] > 0
    for name in ("openai", "openrouter"):
        assert not any(f.get("usage") for f in (await asking.frames(name))[:-1])
        asked = await asking.frames(name, stream_options={"include_usage": True})
        assert asked[-2]["choices"] == []
        assert asked[-3]["choices"][0]["finish_reason"] == "stop"


async def test_openrouter_says_what_it_cost(asking: Asking) -> None:
    frames = await asking.frames("openrouter", stream_options={"include_usage": True})
    told = frames[-2]["usage"]
    assert told["cost"] == pytest.approx(told["prompt_tokens"] * 105e-9 + told["completion_tokens"] * 210e-9)


async def test_geminis_frames_end_in_crlf_and_its_usage_grows(asking: Asking) -> None:
    response = await asking("gemini")
    assert "\r\n\r\n" in response.text
    assert "[DONE]" not in response.text
    counts = [f["usageMetadata"]["candidatesTokenCount"] for f in events(response.text)]
    assert counts == sorted(counts)


async def test_gemini_without_alt_sse_answers_one_array(asking: Asking) -> None:
    path, _, body = request("gemini", LONG, stream=True, most=4096)
    url = asking.url + "/gemini" + path.removesuffix("?alt=sse")
    frames = (await asking.http.post(url, headers={"x-goog-api-key": "k"}, json=body)).json()
    assert "stand-in for Gemini" in said("gemini", frames)


async def test_anthropic_sends_named_events_and_a_ping(asking: Asking) -> None:
    lines = [line[7:] for line in (await asking("anthropic")).text.splitlines() if line.startswith("event: ")]
    assert lines[:3] == ["message_start", "ping", "content_block_start"]
    assert lines[-3:] == ["content_block_stop", "message_delta", "message_stop"]


# --- what a request may ask for -----------------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
async def test_the_output_limit_is_kept_and_named(asking: Asking, name: str) -> None:
    frames = await asking.frames(name, most=7)
    text = json.dumps(frames)
    assert any(reason in text for reason in ('"length"', '"MAX_TOKENS"', '"max_tokens"'))
    assert count(said(name, frames)) <= 7


async def test_a_thinking_model_can_eat_its_whole_limit(asking: Asking) -> None:
    frames = await asking.frames("deepseek", most=5, thinking={"type": "enabled"})
    assert said("deepseek", frames) == ""
    assert any("reasoning_content" in c["delta"] for f in frames[:-1] for c in f["choices"])
    assert frames[-2]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5


async def test_who_thinks_by_default_does_unless_told_not_to(asking: Asking) -> None:
    body = {"contents": [{"parts": [{"text": LONG}]}]}
    for thinking, expected in (({}, True), ({"thinkingBudget": 0}, False)):
        url = f"{asking.url}/gemini/models/gemini-2.5-flash:generateContent"
        config = {"generationConfig": {"thinkingConfig": thinking}}
        answer = (await asking.http.post(url, headers={"x-goog-api-key": "k"}, json={**body, **config})).json()
        assert ("thoughtsTokenCount" in answer["usageMetadata"]) is expected
    groq = await asking.frames("groq")
    assert any("reasoning" in c["delta"] for f in groq[:-1] for c in f["choices"])
    hidden = await asking.frames("groq", include_reasoning=False)
    assert not any("reasoning" in c["delta"] for f in hidden[:-1] for c in f["choices"])
    claude = await asking.frames("anthropic", thinking={"type": "adaptive"})
    assert [f["content_block"]["type"] for f in claude if f["type"] == "content_block_start"] == ["thinking", "text"]


async def test_a_stop_sequence_ends_the_answer_before_itself(asking: Asking) -> None:
    assert said("openai", await asking.frames("openai", stop=["stand-in"])) == "## A "
    frames = await asking.frames("anthropic", stop_sequences=["stand-in"])
    assert frames[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "stand-in"}


async def test_n_answers_are_n_choices_and_all_are_billed(asking: Asking) -> None:
    one = (await asking("openai", stream=False)).json()
    three = (await asking("openai", stream=False, n=3)).json()
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert three["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]


_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}


async def test_tools_are_called_when_they_must_be_or_are_spoken_of(asking: Asking) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": _SCHEMA}}]
    assert "tool_calls" not in (await asking("openai", tools=tools)).text
    for prompt, choice in ((LONG, "required"), ("what is the weather like in Hanoi?", "auto")):
        frames = await asking.frames("openai", prompt, tools=tools, tool_choice=choice)
        calls = [c["delta"]["tool_calls"][0] for f in frames[:-1] for c in f["choices"] if "tool_calls" in c["delta"]]
        assert calls[0]["function"]["name"] == "weather"
        assert set(json.loads("".join(call["function"]["arguments"] for call in calls))) == {"city", "days"}
        assert frames[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_tools_are_called_in_the_other_dialects_too(asking: Asking) -> None:
    claude = await asking(
        "anthropic", stream=False, tools=[{"name": "weather", "input_schema": _SCHEMA}], tool_choice={"type": "any"}
    )
    assert claude.json()["content"][0]["input"]["days"] == 1
    assert claude.json()["stop_reason"] == "tool_use"
    declared = [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": _SCHEMA}]}]
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}
    gemini = (await asking("gemini", stream=False, tools=declared, toolConfig=config)).json()
    assert gemini["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "weather"


async def test_a_tools_result_is_answered_in_words(asking: Asking) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "31 degrees"},
    ]
    body = (await asking("mistral", stream=False, messages=messages)).json()
    assert "31 degrees" in body["choices"][0]["message"]["content"]


async def test_json_mode_answers_json_that_fits_the_schema(asking: Asking) -> None:
    plain = await asking("openai", "give me json", stream=False, response_format={"type": "json_object"})
    assert "stand-in" in json.loads(plain.json()["choices"][0]["message"]["content"])["answer"]
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": _SCHEMA}}
    fitting = await asking("openai", stream=False, response_format=wanted)
    assert json.loads(fitting.json()["choices"][0]["message"]["content"])["days"] == 1


def test_a_sample_fits_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "yes": {"type": ["boolean", "null"]},
        },
    }
    assert sample(schema, "word") == {"kind": "a", "tags": ["word"], "maybe": 1.5, "yes": True}


async def test_pictures_are_seen_and_counted(asking: Asking) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "look"}, image, image]}]
    body = (await asking("openai", stream=False, messages=messages)).json()
    assert "I see 2 pictures" in body["choices"][0]["message"]["content"]
    assert body["usage"]["prompt_tokens"] == 1 + 2 * 256


def test_words_joined_are_the_text() -> None:
    text = "  Xin chào,\n\n```\n  code 😀\n```\n"
    assert "".join(words(text)) == text


# --- caches -----------------------------------------------------------------------------------------


async def test_a_start_that_was_seen_before_is_cached_from_1024_tokens_on_per_key(asking: Asking) -> None:
    start = "tea " * 1200
    for prompt, key, hits in ((start, "k-1", 0), (start + "and more", "k-1", 1152), (start + "and more", "k-2", 0)):
        frames = await asking.frames("deepseek", prompt, key=key)
        told = frames[-2]["usage"]
        assert told["prompt_cache_hit_tokens"] == hits
        assert told["prompt_cache_hit_tokens"] + told["prompt_cache_miss_tokens"] == told["prompt_tokens"]
    assert (await asking.frames("deepseek", "tea " * 500))[-2]["usage"]["prompt_cache_hit_tokens"] == 0


async def test_anthropic_caches_only_for_who_asks_and_bills_the_writing(asking: Asking) -> None:
    block = {"type": "text", "text": "tea " * 1280, "cache_control": {"type": "ephemeral"}}
    wrote, read = [
        (await asking("anthropic", stream=False, messages=[{"role": "user", "content": [block]}])).json()["usage"]
        for _ in range(2)
    ]
    assert (wrote["cache_creation_input_tokens"], wrote["cache_read_input_tokens"]) == (1280, 0)
    assert (read["cache_creation_input_tokens"], read["cache_read_input_tokens"], read["input_tokens"]) == (0, 1280, 0)


async def test_the_newer_openai_models_write_their_cache_by_themselves(asking: Asking) -> None:
    more: Any = {"model": "gpt-6-luna", "reasoning_effort": "none"}
    body = (await asking("openai", "tea " * 1280, stream=False, **more)).json()
    assert body["usage"]["prompt_tokens_details"]["cache_write_tokens"] == 1280


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
async def test_without_a_key_nobody_answers(asking: Asking, name: str) -> None:
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
async def test_what_the_real_one_refuses_is_refused(
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


async def test_a_body_that_is_no_json_is_a_400_in_the_dialect(asking: Asking) -> None:
    for name, path in (("openai", "/chat/completions"), ("gemini", "/models/m:generateContent")):
        headers = {"authorization": "Bearer k", "x-goog-api-key": "k"}
        for content in (b"{", b"[]", b"\xff"):
            response = await asking.http.post(f"{asking.url}/{name}{path}", headers=headers, content=content)
            assert response.status_code == 400
            assert "error" in response.json()


async def test_a_path_of_another_dialect_is_a_404(asking: Asking) -> None:
    for path in (
        "/gemini/chat/completions",
        "/openai/messages",
        "/deepseek/models/m:generateContent",
        "/nobody/models",
    ):
        call = asking.http.get if path.endswith("/models") else asking.http.post
        assert (await call(asking.url + path, headers={"authorization": "Bearer k"})).status_code == 404


# --- switches ---------------------------------------------------------------------------------------

_REFUSALS = {
    "key_refused": {"gemini": (400, "API_KEY_INVALID"), "anthropic": (401, "authentication_error"), "": (401, "")},
    "429": {"gemini": (429, '"retryDelay":"5s"'), "anthropic": (429, "rate_limit_error"), "": (429, "")},
    "down": {"": (503, "plug")},
    "overloaded": {"anthropic": (529, "overloaded_error"), "openrouter": (502, ""), "": (503, "")},
    "money_gone": {
        "openai": (429, "credit_balance_exhausted"),
        "gemini": (429, "prepayment credits are depleted"),
        "anthropic": (429, "enforced_spend_limit_reached"),
        "": (402, ""),
    },
    "context_too_long": {"": (400, "")},
}


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("mode", _REFUSALS)
async def test_each_refusal_comes_in_the_providers_own_shape(asking: Asking, name: str, mode: str) -> None:
    asking.stand_ins.set_mode(name, mode)
    response = await asking(name)
    status, words = _REFUSALS[mode].get(name, _REFUSALS[mode][""])
    assert response.status_code == status
    assert words in response.text.replace(": ", ":")
    if mode != "429":
        assert "retry-after" not in response.headers
    assert asking.stand_ins.provider(name).last_status == status


async def test_each_tells_the_wait_in_its_own_way(asking: Asking) -> None:
    for name in PROVIDERS:
        asking.stand_ins.set_mode(name, "429")
    assert (await asking("openai")).headers["retry-after-ms"] == "5000"
    for name in ("groq", "mistral", "anthropic"):
        assert (await asking(name)).headers["retry-after"] == "5"
    assert int((await asking("openrouter")).headers["x-ratelimit-reset"]) > 1_700_000_000_000
    assert not {"retry-after", "x-ratelimit-reset"} & set((await asking("deepseek")).headers)


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("stream", [True, False])
async def test_cut_closes_the_socket_in_mid_answer(asking: Asking, name: str, stream: bool) -> None:
    asking.stand_ins.set_mode(name, "cut")
    with pytest.raises(httpx.RemoteProtocolError):
        await asking(name, stream=stream)


async def test_down_breaks_an_answer_that_is_under_way(asking: Asking) -> None:
    asking.stand_ins._word_seconds = 0.05
    _, headers, body = request("deepseek", LONG, stream=True, most=4096)
    url = f"{asking.url}/deepseek/chat/completions"
    async with asking.http.stream("POST", url, headers={**headers, "authorization": "Bearer k"}, json=body) as got:
        words = got.aiter_bytes()
        await anext(words)
        asking.stand_ins.set_mode("deepseek", "down")
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [word async for word in words]
    assert asking.stand_ins.provider("deepseek").streams == 0


@pytest.mark.parametrize("name", PROVIDERS)
async def test_an_error_within_the_stream_comes_as_each_sends_it(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "stream_error")
    text = (await asking(name)).text
    last = text.strip().splitlines()[-1].removeprefix("data: ")
    assert "stand-in" in text
    assert "error" in (json.loads(last).get("x_groq") or json.loads(last))
    assert "[DONE]" not in text


@pytest.mark.parametrize("name", PROVIDERS)
async def test_blocked_is_a_refusal_with_usage(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "blocked")
    text = (await asking(name)).text
    assert any(mark in text for mark in ('"content_filter"', '"blockReason":"SAFETY"', '"refusal"'))


@pytest.mark.parametrize("name", PROVIDERS)
async def test_no_usage_and_empty_leave_out_just_that(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "no_usage")
    frames = await asking.frames(name)
    assert "stand-in" in said(name, frames)
    assert "prompt" not in json.dumps([f.get("usage") for f in frames if f != "[DONE]"])
    asking.stand_ins.set_mode(name, "empty")
    assert said(name, await asking.frames(name)) == ""


async def test_garbage_is_a_page_with_a_200(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "garbage")
    response = await asking("openai")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_slow_keeps_alive_until_the_switch_is_moved(asking: Asking) -> None:
    asking.stand_ins._slow_seconds = 60.0
    comments = {"deepseek": ": keep-alive", "openrouter": ": OPENROUTER PROCESSING", "anthropic": "event: ping"}
    for name, comment in comments.items():
        asking.stand_ins.set_mode(name, "slow")
        answering = asyncio.create_task(asking(name))
        while not asking.stand_ins.provider(name).streams:
            await asyncio.sleep(0.01)
        asking.stand_ins.set_mode(name, "up")
        text = (await answering).text
        assert text.startswith(comment)
        assert "stand-in" in said(name, events(text))


async def test_keepalive_only_never_says_a_word(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "keepalive_only")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asking("openai")


async def test_a_limit_lets_so_many_pass_a_minute(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "limit:2")
    found = asking.stand_ins.provider("openai")
    moment = 100.0
    found.now = lambda: moment
    answers = [await asking("openai") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["retry-after"] == "60"
    moment = 160.5
    assert (await asking("openai")).status_code == 200


async def test_calls_are_counted_and_listeners_hear_of_every_change(asking: Asking) -> None:
    heard: list[tuple[str, str, int]] = []
    asking.stand_ins.subscribe(lambda found: heard.append((found.name, found.mode, found.calls)))
    asking.stand_ins.set_mode("groq", "down")
    await asking("groq")
    assert heard == [("groq", "down", 0), ("groq", "down", 1)]


def test_there_is_no_other_mode() -> None:
    stand_ins = StandIns()
    for mode in (*MODES, *MORE_MODES, "limit:3"):
        stand_ins.set_mode("openai", mode)
    for mode in ("", "sideways", "limit:", "limit:x"):
        with pytest.raises(ValueError, match="no such mode"):
            stand_ins.set_mode("openai", mode)


async def test_the_free_probes_tell_of_money_and_keys(asking: Asking) -> None:
    headers = {"authorization": "Bearer k"}
    balance = f"{asking.url}/deepseek/user/balance"
    assert (await asking.http.get(balance, headers=headers)).json()["is_available"] is True
    asking.stand_ins.set_mode("deepseek", "money_gone")
    assert (await asking.http.get(balance, headers=headers)).json()["is_available"] is False
    key = (await asking.http.get(f"{asking.url}/openrouter/key", headers=headers)).json()
    assert key["data"]["limit_remaining"] > 0
    models = (await asking.http.get(f"{asking.url}/gemini/models", headers={"x-goog-api-key": "k"})).json()
    assert models["models"][0]["name"].startswith("models/gemini")


# --- the faults of the failover card ------------------------------------------------------------------


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("429_untold", 429), ("moderated", 400)])
async def test_more_refusals_in_each_ones_own_shape(asking: Asking, name: str, mode: str, status: int) -> None:
    asking.stand_ins.set_mode(name, mode)
    refused = await asking(name)
    assert refused.status_code == status
    assert refused.json()["error"]["message"] if name != "mistral" else refused.json()["message"]
    assert "retry-after" not in refused.headers
    assert "retryDelay" not in refused.text


async def test_once_is_for_one_call(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "once:429")
    assert [(await asking("openai")).status_code for _ in range(2)] == [429, 200]


async def test_a_reset_comes_before_any_byte(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "once:reset")
    with pytest.raises(httpx.TransportError):
        await asking("openai")
    assert (await asking("openai")).status_code == 200


async def test_a_mute_one_takes_the_call_and_never_answers(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "mute")
    with pytest.raises(httpx.ReadTimeout):
        await asking.http.post(
            f"{asking.url}/openai/chat/completions", headers={"authorization": "Bearer k"}, json={}, timeout=0.3
        )
    assert asking.stand_ins.provider("openai").calls == 1


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_stall_ends_in_a_broken_connection(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "stall")
    with pytest.raises(httpx.TransportError):
        await asking(name)


@pytest.mark.parametrize("name", OPENAI_LIKE)
async def test_one_broken_event_among_whole_ones(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "malformed")
    lines = [line[6:] for line in (await asking(name)).text.splitlines() if line.startswith("data: {")]
    broken = [line for line in lines if not line.endswith("}")]
    assert len(broken) == 1


@pytest.mark.parametrize("name", OPENAI_LIKE)
async def test_without_the_end_marker_all_else_is_there(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "no_done")
    frames = await asking.frames(name)
    assert "[DONE]" not in frames
    assert "stand-in for" in said(name, frames)
