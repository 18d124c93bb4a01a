from typing import Any

import pytest

from engine.chat import Delta, Finish, Finished, ToolCallDelta, Usage
from engine.completion import Choice, Completion
from engine.money import Money
from engine.tenancy import Charge
from web.openai.responses import response_object
from web.openai.responses.response_object import ItemForm
from web.pipeline.blocks import split

USAGE = Usage(10, 5, cached_tokens=4, cache_write_tokens=3, reasoning_tokens=2)


def completion(*events: Any, finish: Finish = Finish.STOP, refusal: str = "") -> Completion:
    ended = (*events, Finished(finish))
    return Completion("deepseek", "m", (Choice("", (), finish, refusal=refusal),), USAGE, events=ended)


def ended(answer: Completion, **body: Any) -> dict[str, Any]:
    begun = response_object.begun_json("req-1", 5, "auto", body, stored=True)
    is_cut = response_object.is_cut(answer)
    items = response_object.items_json("req-1", split(answer.events), ItemForm.asked_in(body), is_cut=is_cut)
    return response_object.ended_json(begun, items, answer, Charge(Money(7), 3))


def test_items_are_reasoning_message_and_calls() -> None:
    call = ToolCallDelta(0, "c1", "look", "{}")
    output = ended(completion(Delta(thinking="hm"), Delta("a"), Delta("", 0, (call,))))["output"]
    assert [(item["type"], item["id"], item["status"]) for item in output] == [
        ("reasoning", "rs_1_0", "completed"),
        ("message", "msg_1_1", "completed"),
        ("function_call", "fc_1_2", "completed"),
    ]
    assert output[0]["content"] == [{"type": "reasoning_text", "text": "hm"}]
    assert output[1]["content"] == [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}]
    assert (output[2]["call_id"], output[2]["name"], output[2]["arguments"]) == ("c1", "look", "{}")


@pytest.mark.parametrize(
    ("finish", "refusal", "status", "details"),
    [
        (Finish.STOP, "", "completed", None),
        (Finish.TOOL_CALLS, "", "completed", None),
        (Finish.LENGTH, "", "incomplete", {"reason": "max_output_tokens"}),
        (Finish.REFUSED, "", "incomplete", {"reason": "content_filter"}),
        (Finish.REFUSED, "no", "completed", None),
    ],
)
def test_status_tells_how_it_ended(finish: Finish, refusal: str, status: str, details: Any) -> None:
    found = ended(completion(Delta("a"), finish=finish, refusal=refusal))
    assert (found["status"], found["incomplete_details"]) == (status, details)
    assert found["output"][0]["status"] == ("incomplete" if finish is Finish.LENGTH else "completed")


@pytest.mark.parametrize(
    ("reasoning", "include", "item"),
    [
        ({}, None, {"summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}),
        ({"summary": "auto"}, [], {"summary": [{"type": "summary_text", "text": "hm"}], "content": []}),
        ({"generate_summary": "auto"}, [], {"summary": [{"type": "summary_text", "text": "hm"}], "content": []}),
        (
            {},
            ["reasoning.encrypted_content"],
            {
                "summary": [],
                "content": [{"type": "reasoning_text", "text": "hm"}],
                "encrypted_content": "signature:s",
            },
        ),
    ],
)
def test_reasoning_has_the_form_that_is_asked_for(reasoning: Any, include: Any, item: Any) -> None:
    answer = completion(Delta(thinking="hm"), Delta(thinking_signature="s"), Delta("a"))
    found = ended(answer, reasoning=reasoning, include=include)["output"][0]
    assert found == {"id": "rs_1_0", "type": "reasoning", **item, "status": "completed"}


def test_stored_items_have_their_signature_and_the_sizes_of_their_pieces() -> None:
    answer = completion(Delta(thinking="hm"), Delta(thinking_signature="s"), Delta("ab"), Delta("c"))
    first, second = response_object.stored_items_json("req-1", answer, response_object.ItemForm())
    assert (first["encrypted_content"], first[response_object.PIECES]) == ("signature:s", [2])
    assert second[response_object.PIECES] == [2, 1]
    assert response_object.PIECES not in response_object.without_pieces(second)


def test_refusal_in_words_is_a_part_of_its_own() -> None:
    [item] = ended(completion(Delta("no", is_refusal=True), finish=Finish.REFUSED, refusal="no"))["output"]
    assert item["content"] == [{"type": "refusal", "refusal": "no"}]


def test_fields_of_the_request_are_repeated_with_their_defaults() -> None:
    found = ended(completion(Delta("a")), temperature=0.2, metadata={"a": "b"}, reasoning={"effort": "low"})
    assert (found["temperature"], found["top_p"], found["metadata"]) == (0.2, 1.0, {"a": "b"})
    assert found["reasoning"] == {"effort": "low", "summary": None}
    assert found["text"] == {"format": {"type": "text"}}
    assert (found["id"], found["created_at"], found["model"]) == ("resp_1", 5, "m")


def test_usage_has_details_and_charge() -> None:
    assert ended(completion(Delta("a")))["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 15,
        "cost": 7e-09,
        "allowance_tokens": 3,
    }


def test_item_names_its_response() -> None:
    for block in ("msg_01ab_0", "rs_01ab_12", "fc_01ab_3"):
        assert response_object.response_of_item(block) == "resp_01ab"
    assert response_object.response_of_item("x") == "resp_"


@pytest.mark.parametrize(
    ("item", "content"),
    [
        ({"role": "user", "content": "hi"}, [{"type": "input_text", "text": "hi"}]),
        (
            {"role": "assistant", "content": "a"},
            [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}],
        ),
        ({"role": "user", "content": [{"type": "input_text", "text": "hi"}]}, [{"type": "input_text", "text": "hi"}]),
    ],
)
def test_message_of_the_input_is_listed_in_full(item: dict[str, Any], content: list[Any]) -> None:
    listed = response_object.input_item_json(item, "in_0")
    assert listed == {"id": "in_0", "type": "message", "status": "completed", "role": item["role"], "content": content}


def test_other_item_of_the_input_is_listed_with_an_id_and_a_status() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    assert response_object.input_item_json(call, "in_0") == {"id": "in_0", "status": "completed", **call}
    assert response_object.input_item_json({**call, "id": "own"}, "in_0")["id"] == "own"
