"""OpenAI's older form of tools: read as tools, answered in the older form."""

import json
from typing import Any

import pytest

from engine.chat import Delta, Finish, Finished, ToolCall, ToolCallDelta, Usage
from engine.completion import Choice, Completion
from engine.errors import BadRequest
from engine.tenancy import Charge
from tests.web.conftest import RunningApi
from web.auth import Caller
from web.openai.chat import ChatCompletionsRequest
from web.pipeline.family import Origin

WEATHER = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
CALLED = ToolCall("call_1", "get_weather", '{"city":"Hue"}')


def asked(**fields: Any) -> ChatCompletionsRequest:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "functions": [WEATHER], **fields}
    return ChatCompletionsRequest(body, Origin(Caller(), "r", 1))


def test_functions_become_tools_that_are_called_one_at_a_time() -> None:
    options = asked(function_call={"name": "get_weather"}).chat.options
    assert [(tool.name, tool.parameters) for tool in options.tools] == [("get_weather", WEATHER["parameters"])]
    assert options.tool_choice == {"type": "function", "function": {"name": "get_weather"}}
    assert options.parallel_tool_calls is False
    assert [asked(function_call=each).chat.options.tool_choice for each in ("auto", "none", None)] == [
        "auto",
        "none",
        None,
    ]


def test_result_of_a_function_answers_the_last_call_of_its_name() -> None:
    history = [{"role": "user", "content": "hi"}]
    for city in ("Hue", "Hanoi"):
        call = {"name": "get_weather", "arguments": json.dumps({"city": city})}
        history.append({"role": "assistant", "content": None, "function_call": call})  # type: ignore[dict-item]
        history.append({"role": "function", "name": "get_weather", "content": city})
    messages = asked(messages=history).chat.messages
    ids = [message.tool_calls[0].id for message in messages if message.tool_calls]
    assert len(set(ids)) == 2
    assert [message.tool_call_id for message in messages if message.tool_call_id] == ids


def test_whole_answer_has_a_function_call() -> None:
    completion = Completion("p", "m", (Choice("", (CALLED,), Finish.TOOL_CALLS),), Usage(10, 5))
    (choice,) = json.loads(asked().whole(completion, Charge()))["choices"]
    assert choice["message"]["function_call"] == {"name": "get_weather", "arguments": '{"city":"Hue"}'}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


def test_call_of_the_function_that_is_named_ends_with_stop_as_at_openai() -> None:
    completion = Completion("p", "m", (Choice("", (CALLED,), Finish.TOOL_CALLS),), Usage(10, 5))
    request = asked(function_call={"name": "get_weather"}, stream=True)
    assert json.loads(request.whole(completion, Charge()))["choices"][0]["finish_reason"] == "stop"
    encoder = request.encoder()
    sent = encoder.begin("p", "m") + encoder.event(Finished(Finish.TOOL_CALLS)) + encoder.end(completion, Charge())
    assert b'"finish_reason":"stop"' in sent


def test_answer_in_text_is_as_ever() -> None:
    completion = Completion("p", "m", (Choice("sunny", (), Finish.STOP),), Usage(10, 5))
    (choice,) = json.loads(asked().whole(completion, Charge()))["choices"]
    message = {"role": "assistant", "content": "sunny", "refusal": None}
    assert (choice["message"], choice["finish_reason"]) == (message, "stop")


def test_stream_has_the_parts_of_one_function_call() -> None:
    encoder = asked(stream=True).encoder()
    sent = encoder.begin("p", "m")
    sent += encoder.event(Delta("", 0, (ToolCallDelta(0, "call_1", "get_weather", ""),)))
    sent += encoder.event(Delta("", 0, (ToolCallDelta(0, "", "", '{"city":'),)))
    sent += encoder.event(Delta("", 0, (ToolCallDelta(1, "call_2", "other", "{}"),)))
    sent += encoder.event(Finished(Finish.TOOL_CALLS))
    completion = Completion("p", "m", (Choice("", (CALLED,), Finish.TOOL_CALLS),), Usage(10, 5))
    lines = (sent + encoder.end(completion, Charge())).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    choices = [json.loads(line[6:])["choices"][0] for line in lines[:-2]]
    calls = [choice["delta"].get("function_call") for choice in choices]
    assert calls == [{"name": "get_weather", "arguments": ""}, {"arguments": '{"city":'}, None, None]
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "function_call"]
    assert all("tool_calls" not in choice["delta"] for choice in choices)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"functions": []}, "functions"),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls"),
        ({"tool_choice": 7}, "tool_choice"),
        ({"tools": {}}, "tools"),
        ({"max_tokens": 0, "max_completion_tokens": 5}, "max_tokens"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.function.name"),
        ({"functions": "x"}, "functions"),
        ({"functions": [{}]}, "functions.0.name"),
        ({"functions": [WEATHER, {"name": "b", "parameters": 1}]}, "functions.1.parameters"),
        ({"function_call": "required"}, "function_call"),
        ({"function_call": 5}, "function_call"),
        ({"function_call": {}}, "function_call.name"),
        ({"function_call": {"name": "other"}}, "function_call.name"),
        ({"functions": None, "function_call": {"name": "get_weather"}}, "function_call.name"),
        ({"messages": "x"}, "messages"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        asked(**fields)
    assert caught.value.field == field


def test_tools_count_before_functions() -> None:
    request = asked(tools=[{"type": "function", "function": {"name": "other"}}])
    assert [tool.name for tool in request.chat.options.tools] == ["other"]
    completion = Completion("p", "m", (Choice("", (CALLED,), Finish.TOOL_CALLS),), Usage(10, 5))
    (choice,) = json.loads(request.whole(completion, Charge()))["choices"]
    assert choice["finish_reason"] == "tool_calls"


async def test_function_is_called_over_http(api: RunningApi) -> None:
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": "weather in Hue?"}],
        "functions": [WEATHER],
        "function_call": {"name": "get_weather"},
    }
    async with api.http() as http:
        answer = await http.post("/v1/chat/completions", json=body)
    (choice,) = answer.json()["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["function_call"]["name"] == "get_weather"
