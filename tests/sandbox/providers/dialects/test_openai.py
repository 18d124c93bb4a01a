"""The plain OpenAI dialect: parsed requests, frames, whole answers."""

import json
from typing import Any

import pytest

from sandbox.providers.dialects.openai import OpenAIStandIn, images_in, text_of, wanted_format, written_by_itself
from sandbox.providers.exchange import ParsedRequest, ReceivedCall, StandInAnswer, StandInToolCall, StandInUsage
from sandbox.providers.refusals import StandInRefused

PLAIN = OpenAIStandIn("Plain")
USAGE = StandInUsage(prompt=10, cached=4, written=3, output=5, thought=2)
PICTURE = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def parsed(**body: Any) -> ParsedRequest:
    user = {"role": "user", "content": "hello"}
    return PLAIN.parse(ReceivedCall({"model": "stand-in-small", "messages": [user], **body}, {}, "k"))


def frames(asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None = USAGE) -> list[Any]:
    datas = [frame.data.decode().removeprefix("data: ").strip() for frame in PLAIN.frames(asked, answer, usage)]
    return [each if each == "[DONE]" else json.loads(each) for each in datas]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": ""}, 400),
        ({"model": 7}, 400),
        ({"model": "no-such-model"}, 404),
        ({"plugins": []}, 400),
        ({"messages": []}, 400),
        ({"max_tokens": 0}, 400),
        ({"response_format": {"type": "json_object"}}, 400),
    ],
)
def test_request_that_the_provider_refuses_is_refused(body: dict[str, Any], status: int) -> None:
    with pytest.raises(StandInRefused) as raised:
        parsed(**body)
    assert raised.value.refusal.status == status


def test_last_turn_of_the_user_is_the_prompt_and_all_turns_are_counted() -> None:
    asked = parsed(
        messages=[
            {"role": "system", "content": "sys"},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": [{"type": "text", "text": "three"}, PICTURE]},
        ]
    )
    assert (asked.prompt, asked.turns, asked.images) == ("three", 2, 1)
    assert asked.counted.startswith("sysonetwothree")
    assert len(asked.counted) == len("sysonetwothree") + 1024


def test_newer_name_of_the_output_limit_goes_first() -> None:
    assert parsed(max_tokens=9, max_completion_tokens=5).most == 5
    assert parsed(max_tokens=9).most == 9


@pytest.mark.parametrize(("choice", "called"), [("required", True), ("none", False), ("auto", False)])
def test_tool_is_called_when_required(choice: str, called: bool) -> None:
    assert (parsed(tools=[TOOL], tool_choice=choice).tool is not None) is called


def test_result_of_a_tool_ends_the_calls() -> None:
    call = {"id": "c", "function": {"name": "weather", "arguments": "{}"}}
    called = {"role": "assistant", "content": None, "tool_calls": [call]}
    messages = [{"role": "user", "content": "a"}, called, {"role": "tool", "tool_call_id": "c", "content": "31"}]
    asked = parsed(messages=messages, tools=[TOOL], tool_choice="required")
    assert (asked.tool, asked.tool_result) == (None, "31")


def test_usage_is_a_chunk_of_its_own_only_when_asked_for() -> None:
    told = frames(parsed(stream_options={"include_usage": True}), StandInAnswer("a b"))
    assert told[-2]["choices"] == []
    assert told[-2]["usage"]["total_tokens"] == 17
    assert told[-2]["usage"]["prompt_tokens_details"]["cache_write_tokens"] == 3
    assert all("usage" not in frame for frame in frames(parsed(), StandInAnswer("a b"))[:-1])


def test_each_choice_has_its_words_and_its_end() -> None:
    sent = frames(parsed(n=2), StandInAnswer("a b", finish="length"))
    words = [(c["index"], c["delta"]["content"]) for f in sent[:-1] for c in f["choices"] if c["delta"].get("content")]
    assert words == [(0, "a "), (0, "b"), (1, "a "), (1, "b")]
    ends = [c["finish_reason"] for f in sent[:-1] for c in f["choices"] if c["finish_reason"]]
    assert ends == ["length", "length"]


def test_call_of_a_tool_comes_in_pieces() -> None:
    tool = StandInToolCall("weather", {"city": "Hanoi", "days": 1})
    sent = frames(parsed(), StandInAnswer("", tool=tool, finish="tool"))
    calls = [c["delta"]["tool_calls"][0] for f in sent[:-1] for c in f["choices"] if "tool_calls" in c["delta"]]
    assert calls[0]["function"] == {"name": "weather", "arguments": ""}
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == tool.arguments


@pytest.mark.parametrize(
    ("answer", "field", "value"),
    [
        (StandInAnswer("a"), "content", "a"),
        (StandInAnswer("no", finish="refused"), "refusal", "no"),
        (StandInAnswer("", tool=StandInToolCall("weather", {}), finish="tool"), "content", None),
    ],
)
def test_whole_answer_has_the_form_of_its_end(answer: StandInAnswer, field: str, value: str | None) -> None:
    body = PLAIN.whole(parsed(), answer, None)
    assert body["choices"][0]["message"][field] == value
    assert "usage" not in body


def test_text_and_pictures_of_a_content_are_read_apart() -> None:
    content = [{"type": "text", "text": "a"}, PICTURE, "no part", {"text": "b"}]
    assert (text_of("x"), text_of(content), text_of(None)) == ("x", "ab", "")
    assert (images_in("x"), images_in(content)) == (0, 1)


def test_wanted_format_is_none_where_it_is_no_object() -> None:
    assert (wanted_format({}), wanted_format({"response_format": "json"})) == (None, None)
    assert wanted_format({"response_format": {"type": "json_object"}}) == "json_object"


def test_cache_is_written_by_newer_models_from_1024_tokens_on() -> None:
    assert written_by_itself("gpt-5.6", 1024, 0) == 1024
    assert written_by_itself("gpt-5.6", 1023, 0) == 0
    assert written_by_itself("gpt-5.5", 1024, 0) == 0
