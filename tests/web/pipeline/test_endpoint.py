"""POST /v1/chat/completions, with the real `openai` client if it can make the call."""

import asyncio
import json
from typing import Any

import openai
import pytest

from tests.web.conftest import ASKED, RunningApi

CHAT = "/v1/chat/completions"
TOOL: Any = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
NO_PICTURE: Any = {"type": "image_url", "image_url": {}}


@pytest.mark.parametrize("name", ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "gpt-4o"])
async def test_every_dialect_answers_whole_and_streamed_alike(api: RunningApi, name: str) -> None:
    async with api.ai() as ai:
        whole = await ai.chat.completions.create(model=name, messages=ASKED)
        stream = await ai.chat.completions.create(model=name, messages=ASKED, stream=True)
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert "stand-in for" in text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    await api.check_books()


async def test_tool_calls_and_results_pass_through(api: RunningApi) -> None:
    messages: Any = [{"role": "user", "content": "use the tool look"}]
    async with api.ai() as ai:
        for name in ("deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "anthropic/claude-haiku-4-5"):
            asked: Any = {"model": name, "tools": [TOOL], "tool_choice": "required"}
            whole = await ai.chat.completions.create(messages=messages, **asked)
            assert whole.choices[0].finish_reason == "tool_calls"
            [call] = whole.choices[0].message.tool_calls or []
            assert call.type == "function"
            assert (call.function.name, type(json.loads(call.function.arguments))) == ("look", dict)
            stream = await ai.chat.completions.create(messages=messages, stream=True, **asked)
            pieces = [c async for chunk in stream for c in chunk.choices[0].delta.tool_calls or []]
            arguments = "".join((piece.function.arguments or "") if piece.function else "" for piece in pieces)
            assert json.loads(arguments) == json.loads(call.function.arguments)
            result: Any = {"role": "tool", "tool_call_id": call.id, "content": "a whale"}
            told: Any = [*messages, whole.choices[0].message.model_dump(exclude_none=True), result]
            after = await ai.chat.completions.create(model=name, messages=told, tools=[TOOL])
            assert "a whale" in (after.choices[0].message.content or "")


async def test_json_mode_gives_json_everywhere(api: RunningApi) -> None:
    schema = {"type": "object", "properties": {"word": {"type": "string"}}}
    forms: Any = [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    ]
    async with api.ai() as ai:
        for name in ("gpt-4o", "gemini/gemini-2.5-flash-lite"):
            for form in forms:
                answer = await ai.chat.completions.create(model=name, messages=ASKED, response_format=form)
                found = json.loads(answer.choices[0].message.content or "")
                assert form["type"] == "json_object" or set(found) == {"word"}


async def test_pictures_choices_stops_and_limits_pass_through(api: RunningApi) -> None:
    seen: Any = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what do you see in this picture here?"},
                {"type": "image_url", "image_url": {"url": PIXEL}},
            ],
        }
    ]
    async with api.ai() as ai:
        picture = await ai.chat.completions.create(model="seen", messages=seen)
        assert "I see 1 picture" in (picture.choices[0].message.content or "")
        two = await ai.chat.completions.create(model="gpt-4o", messages=ASKED, n=2)
        assert [choice.index for choice in two.choices] == [0, 1]
        stopped = await ai.chat.completions.create(model="auto", messages=ASKED, stop="stand-in", seed=7)
        assert "stand-in" not in (stopped.choices[0].message.content or "")
        for limit in ({"max_tokens": 5}, {"max_completion_tokens": 5}):
            short = await ai.chat.completions.create(model="auto", messages=ASKED, **limit)  # type: ignore[call-overload]
            assert short.choices[0].finish_reason == "length"
            assert short.usage is not None
            assert short.usage.completion_tokens <= 5


async def test_turns_that_send_their_history_again_are_one_conversation(api: RunningApi) -> None:
    forecast = api.container.market.catalog.forecast
    async with api.ai() as ai:
        first = await ai.chat.completions.create(model="auto", messages=ASKED)
        before = forecast.outlook("http:unknown", None, 0.0).growth_tokens
        said: Any = {"role": "assistant", "content": first.choices[0].message.content}
        longer: Any = [*ASKED, said, {"role": "user", "content": "and the land? " * 500}]
        await ai.chat.completions.create(model="auto", messages=longer)
    assert forecast.outlook("http:unknown", None, 0.0).growth_tokens > before


async def test_stream_has_usage_only_on_request(api: RunningApi) -> None:
    async with api.ai() as ai:
        for asked in (True, False):
            stream = await ai.chat.completions.create(
                model="auto", messages=ASKED, stream=True, stream_options={"include_usage": asked}
            )
            told = [chunk for chunk in [chunk async for chunk in stream] if chunk.usage is not None]
            assert bool(told) is asked
            assert not asked or told[-1].choices == []


async def test_headers_have_provider_model_and_request_id(api: RunningApi) -> None:
    async with api.http() as http:
        for stream in (True, False):
            answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED, "stream": stream})
            assert answer.headers["x-farthing-provider"] == "deepseek"
            assert answer.headers["x-farthing-model"] == "deepseek-v4-flash"
            assert answer.headers["x-request-id"].startswith("req-")
        refused = await http.post(CHAT, json={})
        assert refused.headers["x-request-id"].startswith("req-")


async def test_fields_that_a_wire_could_not_take_are_named_in_body_and_header(api: RunningApi) -> None:
    async with api.http() as http:
        for stream in (True, False):
            asked = {
                "model": "anthropic/claude-haiku-4-5",
                "messages": ASKED,
                "stream": stream,
                "seed": 7,
                "stop": "\n",
            }
            answer = await http.post(CHAT, json=asked)
            assert answer.headers["x-farthing-ignored"] == "seed, stop"
            assert '"ignored":["seed","stop"]' in answer.text
        plain = await http.post(CHAT, json={"model": "anthropic/claude-haiku-4-5", "messages": ASKED})
        assert "x-farthing-ignored" not in plain.headers


@pytest.mark.parametrize("name", ["deepseek/deepseek-v4-flash", "anthropic/claude-haiku-4-5", "gpt-4o"])
async def test_schema_holds_on_every_wire(api: RunningApi, name: str) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "trip", "schema": schema}}
    async with api.ai() as ai:
        answer = await ai.chat.completions.create(model=name, messages=ASKED, response_format=wanted)
    found = json.loads(answer.choices[0].message.content or "")
    assert name.startswith("deepseek") or set(found) == {"city", "days"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", 5),
        ("messages", []),
        ("messages", "hello"),
        ("temperature", "hot"),
        ("temperature", 3),
        ("top_p", -1),
        ("n", 0),
        ("n", 99),
        ("max_tokens", 1.5),
        ("stop", ["a"] * 9),
        ("seed", "x"),
        ("stream", "yes"),
        ("stream_options", 1),
        ("tools", [1]),
        ("tool_choice", 5),
        ("response_format", "json"),
        ("logit_bias", []),
        ("top_logprobs", 50),
    ],
)
async def test_wrong_field_is_400_and_named(api: RunningApi, field: str, value: Any) -> None:
    async with api.http() as http:
        answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED, field: value})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("tool_choice", {"type": "function", "function": "look"}, "tool_choice.function"),
        ("tool_choice", {"type": "function", "function": {"name": 5}}, "tool_choice.function.name"),
        ("tool_choice", "sometimes", "tool_choice"),
        ("tool_choice", {"type": "function", "function": {"name": "none such"}}, "tool_choice.function.name"),
        ("tool_choice", {"type": "web_search", "function": {"name": "look"}}, "tool_choice.type"),
        ("reasoning_effort", "insufficient_quota", "reasoning_effort"),
        ("reasoning_effort", 5, "reasoning_effort"),
        ("response_format", {"type": "yaml"}, "response_format.type"),
        ("response_format", {"type": "json_schema", "json_schema": []}, "response_format.json_schema"),
        ("messages", [{"role": "user", "content": [{"type": "film"}]}], "messages.0.content.0.type"),
        (
            "messages",
            [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            "messages.0.content.0.image_url",
        ),
        ("tools", [{"type": "function", "function": {"name": "x", "parameters": 1}}], "tools.0.function.parameters"),
    ],
)
async def test_wrong_part_of_a_field_is_named(api: RunningApi, field: str, value: Any, param: str) -> None:
    async with api.http() as http:
        answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED, field: value})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_body_without_json_is_400_and_another_type_415(api: RunningApi) -> None:
    async with api.http() as http:
        for body in (b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b'{"a": ' * 100_000):
            answer = await http.post(CHAT, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 400
        for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
            answer = await http.post(CHAT, content=b"{}", headers={"content-type": kind})
            assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
        good = json.dumps({"model": "auto", "messages": ASKED}).encode()
        answer = await http.post(CHAT, content=good, headers={"content-type": "application/json; charset=utf-8"})
        assert answer.status_code == 200


async def test_unknown_fields_and_lone_surrogates_are_accepted(api: RunningApi) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "half \ud83c of it"}], "service_tier": "priority"}
    async with api.http() as http:
        answer = await http.post(CHAT, content=json.dumps(body).encode(), headers={"content-type": "application/json"})
    assert answer.status_code == 200


async def test_empty_wallet_is_402_and_unknown_model_404(api: RunningApi) -> None:
    async with api.ai(await api.make_key()) as ai:
        with pytest.raises(openai.APIStatusError) as poor:
            await ai.chat.completions.create(model="gpt-4o", messages=ASKED)
        assert (poor.value.status_code, poor.value.code) == (402, "insufficient_quota")
        with pytest.raises(openai.NotFoundError) as unknown:
            await ai.chat.completions.create(model="nobody/sells-this", messages=ASKED)
        assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")


async def test_refusal_for_safety_is_an_answer(api: RunningApi) -> None:
    api.set_mode("blocked")
    async with api.ai() as ai:
        for name in ("auto", "seen", "gpt-4o", "anthropic/claude-haiku-4-5"):
            answer = await ai.chat.completions.create(model=name, messages=ASKED)
            assert answer.choices[0].finish_reason == "content_filter"
            stream = await ai.chat.completions.create(model=name, messages=ASKED, stream=True)
            assert [chunk.choices[0].finish_reason async for chunk in stream][-1] == "content_filter"
    await api.check_books()


async def test_moderated_prompt_is_400(api: RunningApi) -> None:
    api.set_mode("moderated")
    async with api.ai() as ai:
        with pytest.raises(openai.BadRequestError) as refused:
            await ai.chat.completions.create(model="auto", messages=ASKED)
    assert refused.value.code == "content_policy_violation"


async def test_canceled_whole_answer_is_charged_for_its_input(api: RunningApi) -> None:
    api.set_mode("slow", "deepseek")
    async with api.http() as http:
        asking = asyncio.create_task(http.post(CHAT, json={"model": "auto", "messages": ASKED}))
        async with asyncio.timeout(60):
            while not api.sandbox.stand_ins.provider("deepseek").streams:
                await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    await api.idle()
    [row] = await api.rows("SELECT outcome, kept, input_tokens, output_tokens, cost_nanousd FROM attempts")
    assert (row["outcome"], bool(row["kept"]), row["output_tokens"]) == ("stopped", True, 0)
    assert min(row["input_tokens"], row["cost_nanousd"]) > 0
    assert api.sandbox.stand_ins.provider("deepseek").streams == 0
    await api.check_books()


async def test_canceled_stream_is_charged_for_the_delivered_part(api: RunningApi) -> None:
    api.sandbox.stand_ins._word_seconds = 0.02
    body = {"model": "seen", "messages": ASKED, "stream": True}
    async with api.http() as http, http.stream("POST", CHAT, json=body) as answer:
        async for line in answer.aiter_lines():
            if line:
                break
    await api.idle()
    rows = await api.rows("SELECT outcome, kept, output_tokens, waste_nanousd FROM attempts ORDER BY ordinal")
    assert [row["outcome"] for row in rows] == ["stopped", "unread"]
    assert rows[1]["waste_nanousd"] > 0
    assert rows[1]["output_tokens"] > rows[0]["output_tokens"]
    await api.check_books()


async def test_repeated_stream_is_replayed_and_charged_once(api: RunningApi) -> None:
    async with api.http(**{"Idempotency-Key": "once"}) as http:
        body = {"model": "auto", "messages": ASKED, "stream": True}
        first, again = [await http.post(CHAT, json=body) for _ in range(2)]
    assert again.headers["idempotent-replayed"] == "true"
    assert again.text.endswith("data: [DONE]\n\n")
    assert first.headers["x-farthing-provider"] == again.headers["x-farthing-provider"]
    assert len(await api.rows("SELECT request_id FROM holds WHERE state = 'captured'")) == 1
