"""The shipped models `auto` and `smart`: each of their offers accepts every kind of request (by the stand-ins)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.catalog.offers import Offer
from main.sandbox import stand_in_providers
from sandbox.app import Sandbox
from tests.web.conftest import RunningApi, serving

ASKED = [{"role": "user", "content": "tell me about the sea at length, as JSON"}]
CALLED = [
    {"role": "user", "content": "use the tool look"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "a whale"},
]
SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {"messages": ASKED},
    "options": {"messages": ASKED, "temperature": 2, "top_p": 0.5, "stop": ["END", "\n"], "seed": -1, "logprobs": True},
    "tool": {"messages": ASKED, "tools": [TOOL], "tool_choice": "required"},
    "result": {"messages": CALLED, "tools": [TOOL]},
    "schema": {"messages": ASKED, "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
    "json": {"messages": ASKED, "response_format": {"type": "json_object"}},
    **{f"effort {effort}": {"messages": ASKED, "reasoning_effort": effort} for effort in ("none", "minimal", "high")},
}
PLAN = """
[plans.free]
requests_per_minute = 100000
tokens_per_month = 100000000
"""


@pytest.fixture
async def shipped(tmp_path: Path) -> AsyncIterator[RunningApi]:
    """Yield the app with the shipped models, and a stand-in for each provider (its own or a plain one)."""
    async with (
        Sandbox(word_seconds=0, providers=stand_in_providers()) as sandbox,
        serving(tmp_path, sandbox, PLAN, tuple(sandbox.provider_urls)) as running,
    ):
        yield running


def offers(api: RunningApi, model: str) -> list[Offer]:
    catalog = api.container.market.catalog
    return [offer for offer in catalog.model(model).offers if offer.provider != "local"]


@pytest.mark.parametrize("model", ["auto", "smart"])
async def test_each_offer_of_a_shipped_model_takes_each_kind_of_request(shipped: RunningApi, model: str) -> None:
    """Send every kind of request to each offer in turn; the others are left out of the model."""
    catalog = shipped.container.market.catalog
    async with shipped.http(await shipped.make_key(usd="100")) as http:
        for offer in offers(shipped, model):
            for kind, fields in KINDS.items():
                body = {"model": f"{offer.provider}/{offer.model}", "max_tokens": 900, **fields}
                answer = await http.post("/v1/chat/completions", json=body)
                assert answer.status_code == 200, (offer, kind, answer.text)
                assert answer.headers["x-farthing-provider"] == offer.provider
    refused = await shipped.rows("SELECT provider, model, outcome, status FROM attempts WHERE status >= 400")
    assert [tuple(row) for row in refused] == []
    assert catalog.model(model).offers


@pytest.mark.parametrize("model", ["auto", "smart"])
@pytest.mark.parametrize("kind", ["options", "result", "schema"])
async def test_shipped_model_moves_on_past_each_offer_that_fails(shipped: RunningApi, model: str, kind: str) -> None:
    """Take down one provider after another: the next offer accepts the same request, none refuses it."""
    providers = list(dict.fromkeys(offer.provider for offer in offers(shipped, model)))
    answered: list[str] = []
    async with shipped.http(await shipped.make_key(usd="100")) as http:
        for _ in providers:
            answer = await http.post("/v1/chat/completions", json={"model": model, "max_tokens": 900, **KINDS[kind]})
            assert answer.status_code == 200, (answered, answer.text)
            answered.append(answer.headers["x-farthing-provider"])
            shipped.set_mode("overloaded", answered[-1])
    assert sorted(answered) == sorted(set(answered))
    refused = await shipped.rows("SELECT provider, model, status FROM attempts WHERE status >= 400 AND status < 500")
    assert [tuple(row) for row in refused] == []
