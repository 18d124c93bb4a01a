import json
from typing import Any

import pytest

from engine.chat import ChatRequest, Finish, Image, Message, Role, Served, Text, Tool, ToolCall, says
from engine.errors import CapabilityMissing, Garbled, KeyRefused, Overloaded, ProviderError, StreamCut
from tests.engine.providers.dialects.wires import Wire, asking, calls, data, finishes, text, usage


def frame(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    shaped = [{"text": part} if isinstance(part, str) else part for part in parts]
    candidate = {"content": {"role": "model", "parts": shaped}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **more}


async def test_frames_with_crlf_are_read_to_the_finish_reason() -> None:
    body = data(frame("Chào "), frame("🌊"), frame(finish="STOP", modelVersion="gemini-2.5"), end="\r\n\r\n").encode()
    for width in (1, 3, len(body)):
        found = await Wire("gemini", [body[n : n + width] for n in range(0, len(body), width)]).chunks()
        assert (text(found), finishes(found)) == ("Chào 🌊", [Finish.STOP])
        assert Served("gemini-2.5") in found
    with pytest.raises(StreamCut):
        await Wire("gemini", data(frame("Chào"))).chunks()


@pytest.mark.parametrize(
    ("reason", "ours"),
    [("STOP", Finish.STOP), ("MAX_TOKENS", Finish.LENGTH), ("CONTINUATION", Finish.LENGTH), ("NEW", Finish.STOP)]
    + [
        (reason, Finish.REFUSED)
        for reason in (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_OTHER",
        )
    ],
)
async def test_finish_reason_is_mapped_to_a_finish(reason: str, ours: Finish) -> None:
    assert finishes(await Wire("gemini", data(frame("a", finish=reason))).chunks()) == [ours]


@pytest.mark.parametrize(
    "reason",
    ["OTHER", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"],
)
async def test_some_finish_reasons_are_failures(reason: str) -> None:
    with pytest.raises(Overloaded):
        await Wire("gemini", data(frame("a"), frame(finish=reason))).chunks()


async def test_disabled_account_is_a_refused_key() -> None:
    with pytest.raises(KeyRefused):
        await Wire("gemini", data(frame(finish="PUP_LIMITED_DISABLED"))).chunks()


async def test_blocked_prompt_is_an_answer() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8}}
    found = await Wire("gemini", data(blocked)).chunks()
    assert (finishes(found), text(found)) == ([Finish.REFUSED], "")
    assert usage(found) is not None


@pytest.mark.parametrize("indent", [None, 2])
async def test_error_within_a_200_is_read_as_frame_list_or_bare_json(indent: int | None) -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    for last in (data(error), json.dumps(error, indent=indent), json.dumps([error], indent=indent), data([error])):
        for before in ("", data(frame("a"), end="\r\n\r\n")):
            with pytest.raises(Overloaded):
                await Wire("gemini", before + last).chunks()


@pytest.mark.parametrize("indent", [None, 2])
async def test_array_of_frames_and_whole_answer_are_read(indent: int | None) -> None:
    frames = [frame("a"), frame("b", finish="STOP", usageMetadata={"promptTokenCount": 3})]
    found = await Wire("gemini", json.dumps(frames, indent=indent)).chunks()
    assert (text(found), finishes(found)) == ("ab", [Finish.STOP])
    assert text(await Wire("gemini", json.dumps(frame("ab", finish="STOP"), indent=indent)).chunks()) == "ab"


async def test_usage_adds_the_thinking_tokens() -> None:
    last = {
        "promptTokenCount": 20,
        "toolUsePromptTokenCount": 5,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 11,
    }
    first = {"promptTokenCount": 20, "candidatesTokenCount": 1}
    found = usage(
        await Wire("gemini", data(frame("a", usageMetadata=first), frame(finish="STOP", usageMetadata=last))).chunks()
    )
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.cached_tokens, found.reasoning_tokens) == (25, 18, 4, 11)


async def test_function_calls_come_whole() -> None:
    call = {"functionCall": {"name": "look", "args": {"a": 1}}}
    found = await Wire("gemini", data(frame("so", call, finish="STOP"))).chunks()
    assert calls(found) == [("look", '{"a": 1}')]
    assert finishes(found) == [Finish.TOOL_CALLS]


@pytest.mark.parametrize(
    "bad",
    [{"candidates": 5}, {"candidates": [None]}, frame(7), {"candidates": [{"content": "x"}]}, {"promptFeedback": "x"}],
)
async def test_frame_of_another_shape_is_garbled(bad: Any) -> None:
    with pytest.raises(Garbled):
        await Wire("gemini", data(frame("a"), bad, frame(finish="STOP"))).chunks()


async def test_html_page_and_empty_body_are_failures() -> None:
    for body in ("", "<html>", "[]"):
        with pytest.raises(ProviderError):
            await Wire("gemini", body).chunks()


# --- requests --------------------------------------------------------------------------------------


async def test_turns_roles_and_system_are_sent() -> None:
    request = ChatRequest(
        "r",
        "m",
        (
            says(Role.SYSTEM, "be kind"),
            says(Role.USER, "one"),
            says(Role.USER, "two"),
            Message(Role.ASSISTANT, (), (ToolCall("c", "look", '{"a": 1}'),)),
            Message(Role.TOOL, (Text("7"),), tool_call_id="c"),
        ),
    )
    body = await Wire("gemini").body(request)
    assert body["systemInstruction"] == {"parts": [{"text": "be kind"}]}
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][1]["parts"] == [{"functionCall": {"name": "look", "args": {"a": 1}}}]
    assert body["contents"][2]["parts"] == [{"functionResponse": {"name": "look", "response": {"result": "7"}}}]
    assert set(body) == {"contents", "systemInstruction", "generationConfig"}


async def test_options_are_translated_to_the_generation_config() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = await Wire("gemini").body(asking(temperature=0.5, top_p=0.9, stop=("END",), seed=3, response_format=wanted))
    assert body["generationConfig"] == {
        "maxOutputTokens": 100,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["END"],
        "seed": 3,
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash-lite", None, None),
        ("gemini-2.5-flash", None, {"thinkingBudget": 0}),
        ("gemini-3.5-flash-lite", None, {"thinkingLevel": "minimal"}),
        ("gemini-3.5-flash-lite", "none", {"thinkingLevel": "minimal"}),
        ("gemini-3.7-flash", None, {"thinkingLevel": "low"}),
        ("gemini-3.8-flash", None, {"thinkingLevel": "low"}),
        ("gemini-3.8-flash", "none", {"thinkingLevel": "low"}),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "low"}),
        ("gemini-3.1-pro-preview", None, {"thinkingLevel": "low"}),
        ("gemini-3.1-pro-preview", "none", {"thinkingLevel": "low"}),
        ("gemini-2.5-pro", None, None),
        ("gemini-3.8-flash", "low", {"thinkingLevel": "low"}),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024}),
    ],
)
async def test_thinking_is_set_by_level_or_budget_never_both(model: str, effort: str | None, thinking: Any) -> None:
    body = await Wire("gemini", model=model).body(asking(reasoning_effort=effort))
    assert body["generationConfig"].get("thinkingConfig") == thinking


async def test_pictures_are_sent_inline_and_urls_are_refused() -> None:
    picture = Message(Role.USER, (Image("data:image/png;base64,AAAA"),))
    body = await Wire("gemini").body(ChatRequest("r", "m", (picture,)))
    assert body["contents"][0]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
    with pytest.raises(CapabilityMissing):
        await Wire("gemini").body(ChatRequest("r", "m", (Message(Role.USER, (Image("https://x.test/a.png"),)),)))


async def test_newest_models_get_no_penalties_and_no_begun_answer() -> None:
    config = (await Wire("gemini", model="gemini-3.5-flash-lite").body(asking(presence_penalty=1.0)))[
        "generationConfig"
    ]
    assert "presencePenalty" not in config
    begun = ChatRequest("r", "m", (says(Role.USER, "x"), says(Role.ASSISTANT, "y")))
    with pytest.raises(CapabilityMissing):
        await Wire("gemini", model="gemini-3.5-flash-lite").body(begun)


async def test_tools_and_tool_choice_are_translated() -> None:
    tool = Tool("look", "looks", {"type": "object", "properties": {}})
    body = await Wire("gemini").body(asking(tools=(tool,), tool_choice={"function": {"name": "look"}}))
    assert body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == tool.parameters
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["look"]}


async def test_key_is_a_header_not_in_the_url() -> None:
    wire = Wire("gemini", data(frame("a", finish="STOP")))
    await wire.chunks()
    assert wire.sent[0].headers["x-goog-api-key"] == "k-1"
    assert str(wire.sent[0].url).endswith("/models/gemini-2.5-flash-lite:streamGenerateContent?alt=sse")


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("gemini-1.5-flash/../gemini-2.5-pro", "gemini-1.5-flash%2F..%2Fgemini-2.5-pro"),
        ("x/../../files?y=", "x%2F..%2F..%2Ffiles%3Fy%3D"),
        ("a#b", "a%23b"),
        ("a%2fb", "a%252fb"),
        ("a:generate", "a%3Agenerate"),
    ],
)
async def test_model_is_one_segment_of_the_path(model: str, segment: str) -> None:
    wire = Wire("gemini", data(frame("a", finish="STOP")), model=model)
    await wire.chunks()
    raw = wire.sent[0].url.raw_path.decode()
    assert raw.endswith(f"/models/{segment}:streamGenerateContent?alt=sse")
