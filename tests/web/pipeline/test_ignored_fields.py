"""The request's fields that no provider got: named in the body, in the header, and in a replay."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Sandbox
from tests.web.conftest import RunningApi, serving

ASKED = [{"role": "user", "content": "tell me about the sea at length"}]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "body", "ignored"),
    [
        (
            "/v1/chat/completions",
            {"messages": ASKED, "verbosity": "low", "service_tier": "flex", "min_p": 0.1, "store": False},
            ["service_tier", "verbosity", "min_p"],
        ),
        (
            "/v1/responses",
            {"input": "tell me", "service_tier": "flex", "truncation": "disabled", "text": {"verbosity": "high"}},
            ["service_tier", "text.verbosity"],
        ),
        ("/v1/messages", {"messages": ASKED, "max_tokens": 50, "top_k": 5}, ["top_k"]),
        ("/v1/completions", {"prompt": "tell me", "suffix": "end", "seed": 7}, ["suffix", "seed"]),
        ("/v1/responses", {"input": "tell me", "top_p": 0.5, "temperature": 1.5}, None),
    ],
)
async def test_ignored_fields_are_the_same_in_body_header_and_replay(
    api: RunningApi, path: str, body: dict[str, Any], ignored: list[str] | None, *, stream: bool
) -> None:
    sent = {"model": "anthropic/claude-haiku-4-5", "stream": stream, **body}
    async with api.http() as http:
        for _ in range(2):
            answer = await http.post(path, json=sent, headers={"idempotency-key": f"{path}{stream}"})
            assert answer.status_code == 200, answer.text
            named = re.findall(r'"ignored":\s*(\[[^]]*\])', answer.text)[-1]
            header = answer.headers.get("x-farthing-ignored", "")
            assert json.loads(named) == (header.split(", ") if header else [])
            assert ignored is None or json.loads(named) == ignored


EVERYTHING: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "seed": 7,
    "stop": ["END"],
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"50": 1},
    "reasoning_effort": "low",
    "parallel_tool_calls": False,
}
OF_ANTHROPIC = ["seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias"]
OF_GEMINI = ["frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias"]
GOLDEN = {
    "gpt-4o": ["reasoning_effort"],
    "openai/gpt-5-nano": [
        *("temperature", "top_p", "stop", "frequency_penalty", "presence_penalty"),
        *("logprobs", "top_logprobs", "logit_bias"),
    ],
    "gemini/gemini-2.5-flash-lite": OF_GEMINI,
    "gemini/gemini-3.5-flash-lite": OF_GEMINI,
    "anthropic/claude-haiku-4-5": ["top_p", *OF_ANTHROPIC, "reasoning_effort"],
    "anthropic/claude-haiku-5-5": ["temperature", "top_p", *OF_ANTHROPIC],
    "groq/openai/gpt-oss-20b": ["logprobs", "top_logprobs", "logit_bias"],
    "mistral/mistral-small-latest": ["logprobs", "top_logprobs", "logit_bias"],
    "deepseek/deepseek-v4-flash": ["seed", "logit_bias"],
    "openrouter/openai/gpt-oss-20b": [],
}
"""The fields of EVERYTHING that are left out for each offer."""


async def test_every_wire_names_what_it_leaves_out(everything: RunningApi) -> None:
    found: dict[str, list[str]] = {}
    async with everything.http() as http:
        for model in GOLDEN:
            answer = await http.post("/v1/chat/completions", json={"model": model, "messages": ASKED, **EVERYTHING})
            assert answer.status_code == 200, (model, answer.text)
            found[model] = answer.json()["farthing"]["ignored"]
    assert {model: sorted(names) for model, names in found.items()} == {
        model: sorted(names) for model, names in GOLDEN.items()
    }


@pytest.fixture
async def everything(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[RunningApi]:
    async with serving(tmp_path, sandbox, names=tuple(sandbox.provider_urls)) as running:
        yield running
