"""The models and requests whose first token may be late because of thinking."""

import pytest

from engine.catalog.thinking import is_thinking_model, thinks_first

THINKING = [
    "o1",
    "o3-mini",
    "o4-mini-2025-04-16",
    "openai/o3",
    "gpt-5",
    "gpt-5-nano",
    "openai/gpt-5.2",
    "gpt-6-pro",
    "gpt-oss-20b",
    "openai/gpt-oss-120b:free",
    "deepseek-reasoner",
    "deepseek/deepseek-r1",
    "gemini-2.5-pro",
    "google/gemini-3.1-pro-preview",
    "gemini-3-pro",
    "claude-opus-5",
    "anthropic/claude-sonnet-5-2",
    "magistral-small-latest",
    "qwen/QwQ-32B",
    "moonshotai/kimi-k2-thinking",
    "anthropic/claude-3.7-sonnet:thinking",
    "microsoft/phi-4-reasoning",
    "minimax/minimax-m2",
    "x-ai/grok-4",
]
QUICK = [
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-6-luna",
    "deepseek-v4-flash",
    "deepseek/deepseek-v4-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-3.8-flash",
    "claude-haiku-5-5",
    "claude-haiku-4-5",
    "mistral-small-latest",
    "ministral-3b-2512",
    "qwen/qwen3-32b",
    "x-ai/grok-3-non-reasoning",
    "llama3.2",
    "olmo1",
]


@pytest.mark.parametrize("model", THINKING)
def test_thinking_model_thinks_whatever_effort_is_asked_for(model: str) -> None:
    assert is_thinking_model(model)
    assert all(thinks_first(model, effort) for effort in (None, "none", "high"))


@pytest.mark.parametrize("model", QUICK)
def test_other_model_thinks_only_for_an_effort(model: str) -> None:
    assert not is_thinking_model(model)
    assert [thinks_first(model, effort) for effort in (None, "none", "minimal", "low", "xhigh")] == [
        False,
        False,
        False,
        True,
        True,
    ]
