"""Tests that no adapter sends a field that its provider refuses, for any option of a request."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.chat import ChatRequest, Message, Options, Role, Text, Tool, ToolCall, says
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from engine.providers.registry import build, specs
from engine.providers.spec import Spec
from main.sandbox import stand_in_providers
from sandbox.app import Sandbox
from sandbox.providers.registry import stand_ins_of
from tests.engine.providers.dialects.wires import finishes, text, usage

STAND_INS = stand_ins_of(stand_in_providers())
MODELS = [(name, model) for name, found in STAND_INS.items() for model in found.models]
HELLO = (says(Role.SYSTEM, "be brief"), says(Role.USER, "tell me about the sea, please"))
TOOL = Tool("look", "looks", {"type": "object", "properties": {"at": {"type": "string"}}})
SCHEMA = {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
WISHES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "sampling": {"temperature": 0.3, "top_p": 0.9},
    "temperature": {"temperature": 1.8},
    "penalties": {"frequency_penalty": 0.5, "presence_penalty": 0.5},
    "logprobs": {"logprobs": True, "top_logprobs": 3, "logit_bias": {"50256": -100}},
    "seed and stop": {"seed": 7, "stop": ("END",)},
    "json": {"response_format": {"type": "json_object"}},
    "schema": {"response_format": {"type": "json_schema", "json_schema": SCHEMA}},
    "tools": {"tools": (TOOL,), "tool_choice": "auto", "parallel_tool_calls": False},
    **{f"effort {effort}": {"reasoning_effort": effort} for effort in ("none", "minimal", "low", "medium", "high")},
}
NAMED = (
    Message(Role.USER, (Text("use the tool"),), name="ann"),
    Message(Role.ASSISTANT, (), (ToolCall("c", "look", '{"at": "sea"}'),)),
    Message(Role.TOOL, (Text("a whale"),), tool_call_id="c", name="look"),
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0, providers=stand_in_providers()) as running:
        yield running


async def answered(sandbox: Sandbox, name: str, model: str, request: ChatRequest, spec: Spec | None = None) -> None:
    """Send the request to the stand-in. Raises the error of a refusal."""
    provider = build(spec or specs()[name], keys=("k",), base_url=sandbox.provider_urls[name])
    try:
        async with provider.stream(ProviderCall(request, model, 500)) as chunks:
            found = [chunk async for batch in chunks for chunk in batch]
    finally:
        await provider.aclose()
    assert text(found) or any(getattr(chunk, "tool_calls", ()) for chunk in found)
    assert finishes(found)
    assert usage(found) is not None


@pytest.mark.parametrize(("name", "model"), MODELS)
async def test_no_wish_of_a_tenant_is_a_field_that_is_refused(sandbox: Sandbox, name: str, model: str) -> None:
    for wish in WISHES.values():
        await answered(sandbox, name, model, ChatRequest("r", "m", HELLO, options=Options(**wish)))


@pytest.mark.parametrize(("name", "model"), MODELS)
async def test_a_conversation_with_tools_and_names_is_taken(sandbox: Sandbox, name: str, model: str) -> None:
    await answered(sandbox, name, model, ChatRequest("r", "m", NAMED, options=Options(tools=(TOOL,))))


@pytest.mark.parametrize(("name", "model"), MODELS)
async def test_choices_and_begun_answers_are_given_or_declined_by_us(sandbox: Sandbox, name: str, model: str) -> None:
    begun = (*HELLO, says(Role.ASSISTANT, "The sea"))
    for request in (ChatRequest("r", "m", HELLO, n=2), ChatRequest("r", "m", begun)):
        with contextlib.suppress(CapabilityMissing):
            await answered(sandbox, name, model, request)


def test_every_provider_with_a_key_has_a_stand_in_with_models() -> None:
    assert set(STAND_INS) == {name for name, spec in specs().items() if spec.needs_key}
    assert all(found.models for found in STAND_INS.values())


async def test_new_provider_needs_no_stand_in_of_its_own() -> None:
    spec = Spec(name="newcomer", base_url="")
    async with Sandbox(word_seconds=0, providers={"newcomer": spec.dialect}) as sandbox:
        for options in WISHES.values():
            request = ChatRequest("r", "m", HELLO, options=Options(**options))
            await answered(sandbox, "newcomer", "stand-in-small", request, spec)
