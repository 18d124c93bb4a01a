"""Tests that no adapter sends a field that its provider refuses, for any option of a request."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from engine.catalog.defaults import default_offers
from engine.catalog.offers import MissingCapability, Offer, missing_capabilities
from engine.chat import ChatRequest, Image, Message, Options, Part, Role, Text, Tool, ToolCall, says
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from engine.privacy import Exclusions
from engine.providers.dialects.openai import NO_UPSTREAM
from engine.providers.registry import build, specs
from engine.providers.spec import Spec
from engine.providers.tool_ids import carrying
from engine.thoughts import Thought
from main.sandbox import stand_in_providers
from sandbox.app import Sandbox
from sandbox.providers.checks.anthropic import signature_of
from sandbox.providers.registry import stand_ins_of
from tests.engine.providers.dialects.wires import finishes, text, usage
from tests.engine.providers.reading import chunks_of

STAND_INS = stand_ins_of(stand_in_providers())


def missing(name: str, model: str) -> bool:
    return MissingCapability.IMAGES in missing_capabilities(Offer(name, model))


SHIPPED = {(offer.provider, offer.model) for offer in default_offers() if offer.provider != "local"}
MODELS = sorted({(name, model) for name, found in STAND_INS.items() for model in found.models} | SHIPPED)
HELLO = (says(Role.SYSTEM, "be brief"), says(Role.USER, "tell me about the sea, please"))
TOOL = Tool("look", "looks", {"type": "object", "properties": {"at": {"type": "string"}}})
SCHEMA = {"name": "x", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
_NAMED_CHOICE = {"type": "function", "function": {"name": "my tool.v2"}}
_ALLOWED = {
    "type": "allowed_tools",
    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "find"}}]},
}
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
ODD_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "anyOf": [
        {"type": "object", "properties": {"a": {"const": 1}}},
        {"properties": {"b": {"allOf": [{"type": "null"}]}}},
    ],
}
OPEN_SCHEMA = {"type": "object", "additionalProperties": {"type": "integer", "exclusiveMinimum": 0}}
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
    "hot": {"temperature": 2.0},
    "greedy": {"temperature": 0.0, "top_p": 0.5},
    "blank stops": {"stop": ("\n", "")},
    "many stops": {"stop": ("a", "b", "c", "d", "e", "f")},
    "choice without tools": {"tool_choice": "auto", "parallel_tool_calls": False},
    "forced tool": {"tools": (TOOL,), "tool_choice": "required", "reasoning_effort": "high"},
    "bare tool": {"tools": (Tool("my tool.v2"),), "tool_choice": _NAMED_CHOICE},
    "odd schema": {"tools": (Tool("look", "", ODD_SCHEMA),), "response_format": {"type": "json_object"}},
    "odd properties": {"tools": (Tool("look", "", {"properties": {"größe": {}, "a b": {"items": [{}]}}}),)},
    "allowed tools": {"tools": (TOOL, Tool("find")), "tool_choice": _ALLOWED},
    "schema and tools": {"tools": (TOOL,), "response_format": {"type": "json_schema", "json_schema": SCHEMA}},
    "open schema": {"response_format": {"type": "json_schema", "json_schema": {"schema": OPEN_SCHEMA}}},
    **{f"effort {effort}": {"reasoning_effort": effort} for effort in EFFORTS},
    **{f"tools and effort {effort}": {"tools": (TOOL,), "reasoning_effort": effort} for effort in EFFORTS},
}
NAMED = (
    Message(Role.USER, (Text("use the tool"),), name="ann"),
    Message(Role.ASSISTANT, (), (ToolCall("c", "look", '{"at": "sea"}'),)),
    Message(Role.TOOL, (Text("a whale"),), tool_call_id="c", name="look"),
)


CALL, PICTURE = ToolCall("c", "look", '{"at": "sea"}'), Image("data:image/jpg;base64,iVBORw0KGgoAAAAA")
SIGNED = ToolCall(carrying("call_1", "c2lnbmVk"), "look", "{}")


def called(*calls: ToolCall, **more: Any) -> Message:
    return Message(Role.ASSISTANT, (), calls, **more)


def result(call_id: str, *parts: Part) -> Message:
    return Message(Role.TOOL, parts or (Text("a whale"),), tool_call_id=call_id)


ASKED = says(Role.USER, "use the tool")
HISTORIES: dict[str, tuple[Message, ...]] = {
    "signed and long ids": (ASKED, called(SIGNED), result(SIGNED.id)),
    "parallel, in another order": (
        ASKED,
        called(CALL, SIGNED),
        result(SIGNED.id),
        result("c"),
        says(Role.USER, "and?"),
    ),
    "ids that repeat": (ASKED, called(CALL), result("c"), called(CALL), result("c")),
    "without ids": (ASKED, called(ToolCall("", "look", ""), ToolCall("", "look", "{}")), result(""), result("")),
    "call without a result": (ASKED, called(CALL), says(Role.USER, "never mind")),
    "call at the end": (ASKED, called(CALL)),
    "result without a call": (ASKED, result("gone")),
    "result after a turn": (ASKED, called(CALL), says(Role.USER, "wait"), result("c")),
    "broken arguments": (ASKED, called(ToolCall("c", "look", "{broken")), result("c")),
    "odd names and ids": (ASKED, called(ToolCall("a/b:0", "my tool.v2", "[1]")), result("a/b:0")),
    "reasoning given back": (ASKED, called(CALL, thinking="hm", thinking_signature=signature_of("hm")), result("c")),
    "redacted reasoning": (
        ASKED,
        called(CALL, thoughts=(Thought(redacted="x"), Thought("hm", signature_of("hm"))), thinking="hm"),
        result("c"),
    ),
    "begins with a call": (called(CALL), result("c"), says(Role.USER, "go on")),
    "system alone": (says(Role.SYSTEM, "write a poem about the sea, please"),),
    "blank user": (says(Role.USER, " "),),
    "blank turns": (says(Role.SYSTEM, ""), says(Role.USER, ""), says(Role.ASSISTANT, ""), says(Role.USER, "the sea?")),
    "two of the user": (says(Role.USER, "the"), says(Role.USER, "sea?")),
    "begins with an answer": (says(Role.ASSISTANT, "hi"), says(Role.USER, "tell me of the sea")),
    "system in between": (says(Role.USER, "the"), says(Role.ASSISTANT, "x"), says(Role.SYSTEM, "be brief")),
    "blank answer at the end": (says(Role.USER, "tell me of the sea"), says(Role.ASSISTANT, " ")),
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0, providers=stand_in_providers()) as running:
        yield running


async def answered(sandbox: Sandbox, name: str, model: str, request: ChatRequest, spec: Spec | None = None) -> None:
    """Send the request to the stand-in, which must accept it at once. Raises the error of a refusal."""
    before = sandbox.stand_ins.provider(name).calls
    provider = build(spec or specs()[name], keys=("k",), base_url=sandbox.provider_urls[name])
    try:
        found = await chunks_of(provider, ProviderCall(request, model, 500))
    finally:
        await provider.aclose()
    assert sandbox.stand_ins.provider(name).calls == before + 1
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
async def test_difficult_history_is_taken(sandbox: Sandbox, name: str, model: str) -> None:
    for messages in HISTORIES.values():
        for wish in ({}, {"tools": (TOOL,), "reasoning_effort": "high"}):
            options = Options(**cast("dict[str, Any]", wish))
            await answered(sandbox, name, model, ChatRequest("r", "m", messages, options=options))


@pytest.mark.parametrize(("name", "model"), [row for row in MODELS if not missing(*row)])
async def test_picture_in_the_result_of_a_tool_is_taken(sandbox: Sandbox, name: str, model: str) -> None:
    messages = (ASKED, called(CALL, SIGNED), result("c", Text("see"), PICTURE), result(SIGNED.id, PICTURE))
    await answered(sandbox, name, model, ChatRequest("r", "m", (*messages, says(Role.USER, "well?"))))


@pytest.mark.parametrize(("name", "model"), [row for row in MODELS if not missing(*row)])
async def test_many_pictures_are_taken_or_declined_by_us(sandbox: Sandbox, name: str, model: str) -> None:
    for number in (9, 101):
        request = ChatRequest("r", model, (Message(Role.USER, (PICTURE,) * number),))
        with contextlib.suppress(CapabilityMissing):
            await answered(sandbox, name, model, request)


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


async def test_reseller_asks_no_company_that_a_tenant_leaves_out(sandbox: Sandbox) -> None:
    for exclusions in (Exclusions(training=True), Exclusions(frozenset({"deepseek", "gemini"}))):
        request = ChatRequest("r", "m", HELLO, exclusions=exclusions)
        await answered(sandbox, "openrouter", "deepseek/deepseek-v4-flash", request)
    nobody_left = ChatRequest("r", "m", HELLO, exclusions=Exclusions(frozenset({"gemini"})))
    with pytest.raises(CapabilityMissing, match=NO_UPSTREAM):  # another tenant may still use this model
        await answered(sandbox, "openrouter", "google/gemini-3.5-flash-lite", nobody_left)
