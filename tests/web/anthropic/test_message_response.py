from typing import Any

import pytest

from engine.chat import Delta, Finish, Finished, ToolCallDelta, Usage
from engine.completion import Choice, Completion
from engine.money import Money
from engine.tenancy import Charge
from web.anthropic.message_response import message_json, stop_json, usage_json

USAGE = Usage(10, 5, cached_tokens=4, cache_write_tokens=3)


def completion(choice: Choice, *events: Delta | Finished) -> Completion:
    return Completion("deepseek", "m", (choice,), USAGE, events=events, ignored=("seed",))


def content(*events: Delta) -> list[Any]:
    found: list[Any] = message_json("r", completion(Choice(""), *events), Charge())["content"]
    return found


def called(arguments: str) -> Delta:
    return Delta("", 0, (ToolCallDelta(0, "c", "look", arguments),))


def test_counts_of_the_input_are_disjoint() -> None:
    found = usage_json(USAGE, Charge(Money(1_234_567), 9))
    assert (found["input_tokens"], found["cache_read_input_tokens"], found["cache_creation_input_tokens"]) == (3, 4, 3)
    assert (found["output_tokens"], found["cost"], found["allowance_tokens"]) == (5, 0.001234567, 9)
    assert usage_json(Usage(3, 5, reasoning_tokens=2), Charge())["output_tokens_details"] == {"thinking_tokens": 2}
    assert usage_json(Usage(3, 5, cached_tokens=4), Charge())["input_tokens"] == 0


@pytest.mark.parametrize(
    ("finish", "sequence", "reason"),
    [
        (Finish.STOP, "", "end_turn"),
        (Finish.STOP, "END", "stop_sequence"),
        (Finish.LENGTH, "", "max_tokens"),
        (Finish.TOOL_CALLS, "", "tool_use"),
        (Finish.REFUSED, "", "refusal"),
        (None, "", "end_turn"),
    ],
)
def test_finish_is_a_stop_reason(finish: Finish | None, sequence: str, reason: str) -> None:
    ended = (Finished(finish, stop_sequence=sequence),) if finish else ()
    assert stop_json(finish, completion(Choice(""), *ended)) == {
        "stop_reason": reason,
        "stop_sequence": sequence or None,
    }


def test_blocks_are_in_the_order_of_a_message() -> None:
    events = (
        Delta(thinking="h"),
        Delta(thinking="m"),
        Delta(thinking_signature="s"),
        Delta(thinking="er"),
        Delta(thinking_signature="t"),
        Delta(hides_thinking=True, redacted_thinking="x"),
        Delta("a"),
        called('{"at": 1}'),
    )
    assert content(*events) == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "thinking", "thinking": "er", "signature": "t"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "c", "name": "look", "input": {"at": 1}},
    ]
    assert content(Delta("no", is_refusal=True)) == [{"type": "text", "text": "no"}]
    assert content() == []


@pytest.mark.parametrize(
    ("arguments", "expected"), [("", {}), ("{}", {}), ("not json", {"text": "not json"}), ("[1]", {"value": [1]})]
)
def test_arguments_are_an_object_always(arguments: str, expected: object) -> None:
    assert content(called(arguments))[0]["input"] == expected


def test_ignored_fields_are_named() -> None:
    found = message_json("r", completion(Choice("a", (), Finish.STOP)), Charge(), ("top_k",))
    assert found["farthing"] == {"provider": "deepseek", "model": "m", "ignored": ["top_k", "seed"]}
    assert (found["id"], found["stop_reason"]) == ("msg_r", "end_turn")
