from typing import Any

import pytest

from engine.chat import Image, Message, Role, Text, ToolCall, says
from engine.errors import BadRequest
from engine.thoughts import Thought
from web.openai.responses.items import MOST_ITEMS, items_of, messages_of, provider_items, references_of, with_referenced

CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"at":1}'}
CALLED = ToolCall("c1", "look", '{"at":1}')
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
SEALED = {"type": "reasoning", "summary": []}
THOUGHT = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}


def test_text_is_one_message_of_the_user() -> None:
    assert messages_of(items_of("hi")) == [Message(Role.USER, (Text("hi"),))]


@pytest.mark.parametrize("value", [None, 5, {}, [], ["x"]])
def test_input_is_a_text_or_a_list_of_items(value: Any) -> None:
    with pytest.raises(BadRequest):
        items_of(value)


@pytest.mark.parametrize("role", ["system", "developer"])
def test_operators_roles_are_system_messages(role: str) -> None:
    assert messages_of([{"role": role, "content": "x"}])[0].role is Role.SYSTEM


TABLE: list[tuple[list[Any], list[Message]]] = [
    ([{"type": None, "role": "user", "content": "b"}], [says(Role.USER, "b")]),
    ([SAID, CALL], [Message(Role.ASSISTANT, (Text("a"),), (CALLED,))]),
    (
        [THOUGHT, SAID, CALL, CALL],
        [Message(Role.ASSISTANT, (Text("a"),), (CALLED, CALLED), thinking="hm")],
    ),
    ([CALL, SAID], [Message(Role.ASSISTANT, (), (CALLED,)), Message(Role.ASSISTANT, (Text("a"),))]),
    (
        [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"}, SAID],
        [Message(Role.ASSISTANT, (Text("a"),), thinking="hm")],
    ),
    (
        [{**THOUGHT, "encrypted_content": "signature:s"}, {**SEALED, "encrypted_content": "redacted:x"}, CALL],
        [
            Message(
                Role.ASSISTANT,
                (),
                (CALLED,),
                thinking="hm",
                thinking_signature="s",
                thoughts=(Thought("hm", "s"), Thought(redacted="x")),
            )
        ],
    ),
    ([THOUGHT, {"role": "user", "content": "b"}, SAID], [says(Role.USER, "b"), says(Role.ASSISTANT, "a")]),
    ([{"type": "reasoning", "summary": []}, SAID], [Message(Role.ASSISTANT, (Text("a"),))]),
    (
        [CALL, {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "b"}]}],
        [Message(Role.ASSISTANT, (), (CALLED,)), Message(Role.TOOL, (Text("b"),), (), "c1")],
    ),
    (
        [{"type": "function_call_output", "call_id": "c1", "output": {"a": "é"}}],
        [Message(Role.TOOL, (Text('{"a": "é"}'),), (), "c1")],
    ),
    (
        [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,QQ=="}]}],
        [Message(Role.USER, (Image("data:image/png;base64,QQ=="),))],
    ),
    (
        [
            {
                "type": "agent_message",
                "author": "/root",
                "recipient": "/root/a",
                "content": [
                    {"type": "input_text", "text": "b"},
                    {"type": "encrypted_content", "encrypted_content": "x"},
                ],
            }
        ],
        [Message(Role.USER, (Text("author: /root\nrecipient: /root/a\n"), Text("b"), Text("x")))],
    ),
    (
        [
            {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "é"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
        ],
        [
            Message(Role.ASSISTANT, (), (ToolCall("c1", "patch", '{"input": "é"}'),)),
            Message(Role.TOOL, (Text("done"),), (), "c1"),
        ],
    ),
    (
        [{"type": "web_search_call", "id": "ws", "status": "completed"}, SAID, {"type": "mcp_call", "output": "o"}],
        [Message(Role.ASSISTANT, (Text("a"),))],
    ),
    (
        [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}],
        [Message(Role.ASSISTANT, (Text("no"),))],
    ),
]


@pytest.mark.parametrize(("items", "expected"), TABLE)
def test_items_of_one_answer_are_one_message(items: list[Any], expected: list[Message]) -> None:
    assert messages_of(items) == expected


BAD: list[tuple[dict[str, Any], str]] = [
    ({"role": "tool", "content": "x"}, "input.0.role"),
    ({"role": "user"}, "input.0.content"),
    ({"role": "user", "content": [{"type": "input_file"}]}, "input.0.content.0.type"),
    ({"role": "user", "content": [{"type": "input_text"}]}, "input.0.content.0.text"),
    ({"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}, "input.0.content.0.image_url"),
    (
        {"role": "user", "content": [{"type": "input_image", "image_url": "http://127.0.0.1/"}]},
        "input.0.content.0.image_url",
    ),
    ({"type": "function_call", "name": "x"}, "input.0.call_id"),
    ({"type": "function_call_output", "output": "x"}, "input.0.call_id"),
    ({"type": "function_call_output", "call_id": "c", "output": 5}, "input.0.output"),
    ({"type": "local_shell_call"}, "input.0.call_id"),
    ({"type": "shell_call_output", "output": []}, "input.0.id"),
    ({"type": "browser_call"}, "input.0.type"),
    ({"type": "compaction_trigger"}, "input.0.type"),
    ({"type": "agent_message", "author": "/root", "content": []}, "input.0.recipient"),
    ({"type": []}, "input.0.type"),
]


@pytest.mark.parametrize(("item", "field"), BAD)
def test_wrong_field_is_named(item: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        messages_of([item])
    assert refused.value.field == field


def test_number_of_items_is_limited() -> None:
    item = {"role": "user", "content": "x"}
    assert len(items_of([item] * MOST_ITEMS)) == MOST_ITEMS
    with pytest.raises(BadRequest, match="at most 4,000 items"):
        items_of([item] * (MOST_ITEMS + 1))


def test_items_of_tools_that_a_provider_ran_are_known_by_their_kind() -> None:
    found: list[dict[str, Any]] = [
        {"type": "web_search_call"},
        SAID,
        {"type": "mcp_call"},
        {"type": "web_search_call"},
        {"type": []},
    ]
    assert provider_items(found) == ("web_search_call", "mcp_call")


def test_references_are_replaced_by_their_items() -> None:
    items: list[Any] = [
        {"role": "user", "content": "x", "id": "m1"},
        {"type": "item_reference", "id": "a"},
        {"id": "b"},
        SAID,
    ]
    assert references_of(items) == ["a", "b"]
    assert with_referenced(items, {"a": THOUGHT, "b": CALL}) == [items[0], THOUGHT, CALL, SAID]


@pytest.mark.parametrize("id_", [None, 5, ""])
def test_reference_has_an_id(id_: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        references_of([SAID, {"type": "item_reference", "id": id_}])
    assert caught.value.field == "input.1.id"


@pytest.mark.parametrize("kind", [None, [], {}, 7, "no such"])
def test_kind_of_a_part_that_is_no_text_is_refused(kind: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        messages_of([{"role": "user", "content": [{"type": kind, "text": "x"}]}])
    assert refused.value.field == "input.0.content.0.type"
