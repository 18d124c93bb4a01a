import json
from typing import Any

from engine.chat import Choice, Completion, Delta, Finish, Finished, ToolCallDelta, Usage
from engine.tenancy import Charge
from web.errors import SERVER_ERROR
from web.openai import response_object
from web.openai.response_encoder import ResponseEncoder

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


def encoder() -> ResponseEncoder:
    return ResponseEncoder("req-1", response_object.begun_json("req-1", 5, "auto", {}, stored=True))


def read(raw: bytes) -> list[Any]:
    found = []
    for frame in raw.decode().split("\n\n")[:-1]:
        name, _, data = frame.partition("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def test_events_follow_the_order_of_the_api() -> None:
    each = encoder()
    sent = each.begin("deepseek", "m") + b"".join(map(each.event, EVENTS)) + each.end(DONE, Charge())
    events = read(sent)
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
    done = {event["type"]: event for event in events}
    assert done["response.output_text.done"]["text"] == "ab"
    assert done["response.function_call_arguments.done"]["arguments"] == "{}"
    assert done["response.completed"]["response"]["output"] == response_object.output_of("req-1", DONE)
    assert events[0]["response"]["model"] == "m"
    assert events[0]["response"]["output"] == []


def test_failure_has_the_response_that_it_ends() -> None:
    each = encoder()
    each.begin("deepseek", "m")
    [failed] = read(each.error(SERVER_ERROR))
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"] == {"code": "server_error", "message": SERVER_ERROR.message}


def test_failure_before_the_response_begins_is_an_error_event() -> None:
    [failed] = read(encoder().error(SERVER_ERROR))
    assert (failed["type"], failed["message"]) == ("error", SERVER_ERROR.message)
