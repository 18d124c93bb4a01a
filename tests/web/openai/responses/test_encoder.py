import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from engine.chat import Delta, Finish, Finished, ToolCallDelta, Usage
from engine.completion import Choice, Completion
from engine.tenancy import Charge
from web.errors import SERVER_ERROR
from web.openai.responses import response_object
from web.openai.responses.client_tools import CallForm
from web.openai.responses.encoder import ResponseEncoder
from web.openai.responses.response_object import ItemForm
from web.pipeline.blocks import split

EVENTS: tuple[Delta | Finished, ...] = (
    Delta(thinking="hm"),
    Delta(thinking_signature="s"),
    Delta("a"),
    Delta("b"),
    Delta("", 0, (ToolCallDelta(0, "c1", "look", "{"),)),
    Delta("", 0, (ToolCallDelta(0, arguments="}"),)),
    Finished(Finish.TOOL_CALLS),
)
DONE = Completion("deepseek", "m", (Choice("ab", (), Finish.TOOL_CALLS),), Usage(10, 5), events=EVENTS)


PLAIN, SUMMARY = ItemForm(), ItemForm(in_summary=True, sealed=True)


def encoder(form: ItemForm = PLAIN) -> ResponseEncoder:
    begun = response_object.begun_json("req-1", 5, "auto", {}, stored=True)
    return ResponseEncoder("req-1", begun, (), form)


def sent(each: ResponseEncoder, events: tuple[Delta | Finished, ...], done: Completion) -> list[Any]:
    return read(each.begin("deepseek", "m") + b"".join(map(each.event, events)) + each.end(done, Charge()))


def read(raw: bytes) -> list[Any]:
    found = []
    for frame in raw.decode().split("\n\n")[:-1]:
        name, _, data = frame.partition("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def test_events_follow_the_order_of_the_api() -> None:
    events = sent(encoder(), EVENTS, DONE)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    begun = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert [item.get("content") or item.get("arguments") for item in begun] == [None, None, ""]
    done = {event["type"]: event for event in events}
    assert done["response.output_text.done"]["text"] == "ab"
    assert done["response.function_call_arguments.done"]["arguments"] == "{}"
    assert done["response.completed"]["response"]["output"] == response_object.items_json(
        "req-1", split(EVENTS), PLAIN, is_cut=False
    )
    assert events[0]["response"]["model"] == "m"
    assert events[0]["response"]["output"] == []


def test_summary_of_reasoning_has_events_of_its_own() -> None:
    events = sent(encoder(SUMMARY), EVENTS, DONE)
    assert [event["type"].removeprefix("response.") for event in events[2:8]] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert [events[n]["summary_index"] for n in range(3, 7)] == [0, 0, 0, 0]
    assert (events[4]["delta"], events[5]["text"]) == ("hm", "hm")
    assert events[7]["item"] == {
        "id": "rs_1_0",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "content": [],
        "encrypted_content": "signature:s",
        "status": "completed",
    }


def test_reasoning_that_can_not_be_read_has_no_part() -> None:
    events = (Delta(hides_thinking=True, redacted_thinking="x"), Delta(thinking_signature="s"), Delta("a"))
    done = structs.replace(DONE, events=events)
    found = sent(encoder(SUMMARY), events, done)
    assert [event["type"].removeprefix("response.") for event in found[2:6]] == [
        "output_item.added",
        "output_item.done",
    ] * 2
    items = found[-1]["response"]["output"]
    assert [item.get("encrypted_content") for item in items] == ["redacted:x", "signature:s", None]


def test_custom_tools_input_is_sent_as_one_text() -> None:
    events = (
        Delta("", 0, (ToolCallDelta(0, "c1", "patch", '{"inp'),)),
        Delta("", 0, (ToolCallDelta(0, arguments='ut": "a\\n\\"b\\""}'),)),
        Delta("", 0, (ToolCallDelta(1, "c2", "look", "{}"),)),
        Finished(Finish.TOOL_CALLS),
    )
    done = structs.replace(DONE, events=events)
    found = sent(encoder(ItemForm(calls={"patch": CallForm("custom", "patch")})), events, done)
    kinds = [event["type"].removeprefix("response.") for event in found]
    assert kinds[2:6] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert [found[3]["delta"], found[4]["input"], found[5]["item"]["input"]] == ['a\n"b"'] * 3
    assert found[2]["item"]["input"] == ""
    assert [item["type"] for item in found[-1]["response"]["output"]] == ["custom_tool_call", "function_call"]


def test_failure_has_the_response_that_it_ends() -> None:
    each = encoder()
    each.begin("deepseek", "m")
    [failed] = read(each.error(SERVER_ERROR))
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    error = {"code": "server_error", "type": "server_error", "message": SERVER_ERROR.message}
    assert failed["response"]["error"] == error


@pytest.mark.parametrize(("code", "shown"), [("answer_cut", "server_error"), ("rate_limit_exceeded", None)])
def test_failed_response_has_a_code_of_openais(code: str, shown: str | None) -> None:
    each = encoder()
    each.begin("deepseek", "m")
    [failed] = read(each.error(replace(SERVER_ERROR, code=code)))
    assert (failed["response"]["error"]["code"], failed["response"]["error"]["type"]) == (shown or code, code)


def test_failure_before_the_response_begins_is_an_error_event() -> None:
    [failed] = read(encoder().error(SERVER_ERROR))
    assert (failed["type"], failed["message"]) == ("error", SERVER_ERROR.message)
