"""Tests of prompt caches with each provider's way of billing."""

from typing import Any

from tests.sandbox.providers.asking import Asking


async def test_repeated_start_is_cached_per_key_from_1024_tokens_on(asking: Asking) -> None:
    start = "tea " * 1200
    for prompt, key, hits in ((start, "k-1", 0), (start + "and more", "k-1", 1152), (start + "and more", "k-2", 0)):
        frames = await asking.frames("deepseek", prompt, key=key)
        told = frames[-2]["usage"]
        assert told["prompt_cache_hit_tokens"] == hits
        assert told["prompt_cache_hit_tokens"] + told["prompt_cache_miss_tokens"] == told["prompt_tokens"]
    assert (await asking.frames("deepseek", "tea " * 500))[-2]["usage"]["prompt_cache_hit_tokens"] == 0


async def test_anthropic_caches_only_on_request_and_bills_the_writing(asking: Asking) -> None:
    block = {"type": "text", "text": "tea " * 1280, "cache_control": {"type": "ephemeral"}}
    wrote, read = [
        (await asking("anthropic", stream=False, messages=[{"role": "user", "content": [block]}])).json()["usage"]
        for _ in range(2)
    ]
    assert (wrote["cache_creation_input_tokens"], wrote["cache_read_input_tokens"]) == (1280, 0)
    assert (read["cache_creation_input_tokens"], read["cache_read_input_tokens"], read["input_tokens"]) == (0, 1280, 0)


async def test_newer_openai_models_write_their_cache_by_themselves(asking: Asking) -> None:
    more: Any = {"model": "gpt-6-luna", "reasoning_effort": "none"}
    body = (await asking("openai", "tea " * 1280, stream=False, **more)).json()
    assert body["usage"]["prompt_tokens_details"]["cache_write_tokens"] == 1280
