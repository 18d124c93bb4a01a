import json
from typing import Any

import pytest

from engine.chat import (
    Delta,
    Event,
    Finish,
    Finished,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from engine.completion import Choice, Completion
from engine.money import Money
from engine.tenancy import Charge
from web.openai import chat_response
from web.openai.chat_response import ChunkEncoder, dumps

CALL = ToolCall("call_1", "look", '{"at":1}')
USAGE = Usage(10, 5, cached_tokens=4, reasoning_tokens=2)
CHARGE = Charge(Money(1_234_567), 9)


def chunk(event: Event, *, start: bool = False) -> Any:
    return chat_response.chunk_json("r", 1, "m", event, start=start)


def choice(event: Event, *, start: bool = False) -> Any:
    return chunk(event, start=start)["choices"][0]


@pytest.mark.parametrize("start", [False, True])
@pytest.mark.parametrize(
    "event",
    [
        Delta('say "hi"\n\u00e9'),
        Delta("<text>"),
        Delta(""),
        Delta("x", 1),
        Delta("x", logprobs={"content": []}),
        Delta("no", is_refusal=True),
        Delta(thinking="hm"),
        Delta("x", thinking="hm"),
        Delta("", 0, (ToolCallDelta(0, "call_1", "look", "{}"),)),
        Finished(Finish.LENGTH, 1),
    ],
    ids=lambda event: repr(event)[:40],
)
def test_encoded_chunk_equals_the_chunk_built_whole(event: Event, start: bool) -> None:
    encoded = ChunkEncoder("r", 1, "m").sse(event, start=start)
    assert json.loads(encoded.removeprefix(b"data: ")) == chunk(event, start=start)


@pytest.mark.parametrize("text", ['"\\/\n\x00\x1f\x7f', "\u00e9\u2028\u20ac \U0001f30a", "a\ud800b"])
def test_text_is_encoded_as_the_whole_chunk_would_be(text: str) -> None:
    built = dumps(chunk(Delta(text))).encode(errors="replace")
    assert ChunkEncoder("r", 1, "m").sse(Delta(text)) == b"data: " + built + b"\n\n"


def test_role_is_sent_with_the_first_chunk_only() -> None:
    assert choice(Delta("a"), start=True)["delta"] == {"role": "assistant", "content": "a"}
    assert choice(Delta("a"))["delta"] == {"content": "a"}


def test_finish_reason_is_sent_for_its_choice() -> None:
    ended = choice(Finished(Finish.TOOL_CALLS, 1))
    assert (ended["index"], ended["delta"], ended["finish_reason"]) == (1, {}, "tool_calls")


def test_tool_call_delta_names_its_call_once() -> None:
    first = choice(Delta("", 0, (ToolCallDelta(2, "call_1", "look", "{"),)))["delta"]["tool_calls"]
    assert first == [
        {"index": 2, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{"}},
    ]
    later = choice(Delta("", 0, (ToolCallDelta(2, arguments="}"),)))["delta"]["tool_calls"]
    assert later == [{"index": 2, "function": {"arguments": "}"}}]


def test_reasoning_and_refusal_have_fields_of_their_own() -> None:
    assert choice(Delta(thinking="hm"))["delta"] == {"reasoning_content": "hm"}
    assert choice(Delta("no", is_refusal=True))["delta"] == {"refusal": "no"}


def message(answered: Choice) -> Any:
    body = chat_response.completion_json("r", 1, Completion("p", "m", (answered,), USAGE), CHARGE)
    return body["choices"][0]["message"]


def test_message_has_content_refusal_and_reasoning_as_the_sdk_expects_them() -> None:
    assert message(Choice("4", thinking="hm")) == {
        "role": "assistant",
        "content": "4",
        "refusal": None,
        "reasoning_content": "hm",
    }
    assert message(Choice("", refusal="no")) == {"role": "assistant", "content": None, "refusal": "no"}
    assert message(Choice(""))["content"] == ""
    assert message(Choice("", (CALL,)))["content"] is None


def test_whole_answer_has_its_log_probabilities() -> None:
    logprobs: dict[str, object] = {"content": [{"token": "4", "logprob": -0.1}], "refusal": None}
    completion = Completion("p", "m", (Choice("4", logprobs=logprobs),), USAGE)
    assert chat_response.completion_json("r", 1, completion, CHARGE)["choices"][0]["logprobs"] == logprobs


def test_usage_has_the_charge_beside_the_tokens() -> None:
    assert chat_response.usage_json(USAGE, CHARGE) == {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
        "cost": 0.001234567,
        "allowance_tokens": 9,
    }


def test_usage_chunk_has_no_choices() -> None:
    last = chat_response.usage_chunk_json("r", 1, "m", USAGE, CHARGE)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 15


def completed(*choices: Choice) -> Any:
    return chat_response.completion_json("r", 1, Completion("p", "m", choices, USAGE), CHARGE)


def test_completion_carries_every_choice_by_index() -> None:
    body = completed(Choice("a", finish=Finish.STOP), Choice("b", finish=Finish.REFUSED))
    assert body["id"] == "chatcmpl-r"
    assert [(each["index"], each["message"]["content"], each["finish_reason"]) for each in body["choices"]] == [
        (0, "a", "stop"),
        (1, "b", "content_filter"),
    ]


def test_tool_calls_come_with_null_content_and_an_empty_answer_with_an_empty_string() -> None:
    called = completed(Choice("", (CALL,), Finish.TOOL_CALLS))["choices"][0]["message"]
    assert called["content"] is None
    assert called["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}}
    ]
    assert completed(Choice(""))["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": "", "refusal": None},
        "logprobs": None,
        "finish_reason": None,
    }


def test_lone_surrogate_becomes_a_question_mark() -> None:
    assert chat_response.sendable({"text": "a\ud83d"}) == b'{"text":"a?"}'


def test_answer_of_thinking_alone_has_empty_content_and_its_finish_reason() -> None:
    completion = Completion("openai", "m", (Choice("", finish=Finish.LENGTH),), USAGE)
    [shown] = chat_response.completion_json("r", 1, completion, CHARGE)["choices"]
    assert (shown["message"]["content"], shown["finish_reason"]) == ("", "length")
    assert chunk(Finished(Finish.LENGTH), start=True)["choices"][0]["delta"]["content"] == ""
