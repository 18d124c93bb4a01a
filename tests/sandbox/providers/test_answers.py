"""Tests of the stand-ins' answers and usage."""

from typing import Any

import pytest

from sandbox.providers.answers import words
from sandbox.providers.exchange import count
from tests.sandbox.providers.asking import LONG, OPENAI_LIKE, PLAIN, PROVIDERS, Asking, events, request, said, usage


@pytest.mark.parametrize("name", PROVIDERS)
async def test_stream_says_that_it_is_a_stand_in_and_shows_everything(asking: Asking, name: str) -> None:
    text = said(name, await asking.frames(name))
    assert "stand-in for" in text
    assert LONG in text
    assert all(mark in text for mark in ("## ", "**", "- a list", "```python", "|---|", "](https://"))


@pytest.mark.parametrize("name", PROVIDERS)
async def test_short_prompt_gets_a_short_answer_and_streamed_or_whole_it_is_the_same(asking: Asking, name: str) -> None:
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
    on_request = {"openai", "openrouter", "groq"} | {plain for plain in PLAIN if plain in OPENAI_LIKE}
    more: Any = {"stream_options": {"include_usage": True}} if name in on_request else {}
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


async def test_openrouter_reports_its_cost(asking: Asking) -> None:
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


def test_words_joined_are_the_text() -> None:
    text = "  Xin chào,\n\n```\n  code 😀\n```\n"
    assert "".join(words(text)) == text
