"""Tools that the client of the Responses API runs: what the model gets, and the items of its calls."""

import json
from typing import Any

import pytest

from engine.chat import Role
from engine.errors import BadRequest
from tests.web.openai.responses.test_request import read
from web.openai.responses.client_tools import CallForm, call_forms, is_clients, native_call, native_output
from web.openai.responses.items import messages_of
from web.openai.responses.request import ignored_fields

LOOK: dict[str, Any] = {"type": "function", "name": "look", "parameters": {"type": "object"}}
PATCH: dict[str, Any] = {"type": "custom", "name": "patch"}
CRM: dict[str, Any] = {"type": "namespace", "name": "crm", "description": "Customers", "tools": [LOOK, PATCH]}
SHELL: dict[str, Any] = {"type": "shell", "environment": {"type": "local"}}
TOOLS = [LOOK, CRM, {"type": "local_shell"}, SHELL, {"type": "apply_patch"}, {"type": "web_search"}]


def test_each_tool_of_the_client_is_a_function() -> None:
    found = read(tools=TOOLS).options.tools
    assert [tool.name for tool in found] == ["look", "crm__look", "crm__patch", "local_shell", "shell", "apply_patch"]
    assert [tool.parameters.get("required") for tool in found[2:]] == [
        ["input"],
        ["command"],
        ["commands"],
        ["type", "path"],
    ]
    assert ignored_fields({"tools": TOOLS}) == ("tools.web_search",)


@pytest.mark.parametrize(
    "environment", [{"type": "container_auto"}, {"type": "container_reference", "id": "c"}, {"type": []}, {"type": {}}]
)
def test_shell_in_a_container_is_not_the_clients(environment: dict[str, Any]) -> None:
    tool = {"type": "shell", "environment": environment}
    assert (is_clients(tool), read(tools=[tool]).options.tools) == (False, ())
    assert ignored_fields({"tools": [tool]}) == ("tools.shell",)


CALLS: list[tuple[CallForm, str, dict[str, Any]]] = [
    (CallForm("function", "look"), "{}", {"type": "function_call", "name": "look", "arguments": "{}"}),
    (
        CallForm("function", "look", "crm"), "{}",
        {"type": "function_call", "name": "look", "namespace": "crm", "arguments": "{}"},
    ),
    (
        CallForm("custom", "patch", "crm"), '{"input": "x"}',
        {"type": "custom_tool_call", "name": "patch", "namespace": "crm", "input": "x"},
    ),
    (
        CallForm("local_shell", "local_shell"), '{"command": ["ls"], "timeout_ms": null}',
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}},
    ),
    (
        CallForm("shell", "shell"), '{"commands": ["ls", "pwd"], "timeout_ms": 5}',
        {"type": "shell_call", "action": {"commands": ["ls", "pwd"], "timeout_ms": 5}},
    ),
    (
        CallForm("apply_patch", "apply_patch"), '{"type": "create_file", "path": "a", "diff": "+x"}',
        {"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a", "diff": "+x"}},
    ),
    (CallForm("shell", "shell"), "ls", {"type": "shell_call", "action": {"commands": []}}),
    (CallForm("shell", "shell"), "[1]", {"type": "shell_call", "action": {"commands": []}}),
]  # fmt: skip


@pytest.mark.parametrize(("form", "arguments", "item"), CALLS)
def test_call_is_an_item_of_its_tool(form: CallForm, arguments: str, item: dict[str, Any]) -> None:
    assert form.item("c", arguments) == {"call_id": "c", **item}


@pytest.mark.parametrize(("form", "arguments", "item"), CALLS[:-2])
def test_call_comes_back_as_it_was(form: CallForm, arguments: str, item: dict[str, Any]) -> None:
    [message] = messages_of([{"call_id": "c", "id": "i", "status": "completed", **item}])
    [call] = message.tool_calls
    assert (message.role, call.id) == (Role.ASSISTANT, "c")
    assert call.name == (f"crm__{form.name}" if form.namespace else form.name)
    given = {name: value for name, value in json.loads(arguments).items() if value is not None}
    assert json.loads(call.arguments) == given


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"type": "local_shell_call_output", "id": "c", "output": "a b"}, "a b"),
        ({"type": "local_shell_call_output", "call_id": "c", "id": "x", "output": "a"}, "a"),
        ({"type": "apply_patch_call_output", "call_id": "c", "status": "failed"}, "failed"),
        ({"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": ""}, "failed"),
        ({"type": "apply_patch_call_output", "call_id": "c", "status": "completed", "output": "Done."}, "Done."),
        (
            {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "é", "stderr": ""}]},
            '[{"stdout": "é", "stderr": ""}]',
        ),
    ],
)
def test_result_is_a_message_of_the_tool(output: dict[str, Any], text: str) -> None:
    call = {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}
    [_, message] = messages_of([call, output])
    assert (message.role, message.tool_call_id, message.text) == (Role.TOOL, "c", text)


def test_other_items_are_no_calls_of_these_tools() -> None:
    for item in ({"type": "message"}, {}, {"type": ["shell_call"]}):
        assert (native_call(item), native_output(item)) == (None, None)


@pytest.mark.parametrize("tools", [None, 7, [7]])
def test_no_tools_have_no_forms(tools: Any) -> None:
    assert call_forms(tools) == {}


def test_first_of_two_tools_with_one_name_counts() -> None:
    function = {"type": "function", "name": "patch"}
    assert call_forms([function, PATCH])["patch"].kind == "function"
    assert call_forms([PATCH, function])["patch"].kind == "custom"


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "shell"}, "shell"),
        ({"type": "apply_patch"}, "apply_patch"),
        ({"type": "function", "name": "look", "namespace": "crm"}, "crm__look"),
        ({"type": "custom", "name": "patch", "namespace": "crm"}, "crm__patch"),
    ],
)
def test_choice_names_the_function(choice: dict[str, str], name: str) -> None:
    expected = {"type": "function", "function": {"name": name}}
    assert read(tools=TOOLS, tool_choice=choice).options.tool_choice == expected
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [choice]}
    found = read(tools=TOOLS, tool_choice=allowed).options.tool_choice
    assert isinstance(found, dict)
    assert found["allowed_tools"]["tools"] == [expected]


@pytest.mark.parametrize(
    ("tools", "field"),
    [
        ([{"type": "namespace", "tools": []}], "tools.0.name"),
        ([{"type": "namespace", "name": "crm"}], "tools.0.tools"),
        ([{"type": "namespace", "name": "crm", "tools": [{"type": {}, "name": "x"}]}], "tools.0.tools.0.type"),
        ([{"type": "namespace", "name": "crm", "tools": [{"type": [], "name": "x"}]}], "tools.0.tools.0.type"),
        ([{"type": "namespace", "name": "crm", "tools": None}], "tools.0.tools"),
        ([LOOK, {"type": "namespace", "name": "crm", "tools": 7}], "tools.1.tools"),
        ([{"type": "namespace", "name": "crm", "tools": [{"type": "web_search"}]}], "tools.0.tools.0.type"),
        ([{"type": "namespace", "name": "crm", "tools": [{"type": "function"}]}], "tools.0.tools.0.name"),
        ([{"name": "look"}], "tools.0.type"),
    ],
)
def test_wrong_field_is_named(tools: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(tools=tools)
    assert refused.value.field == field


SEARCH: dict[str, Any] = {"type": "web_search"}
MCP = {"type": "mcp", "server_label": "s"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (SEARCH, None),
        (MCP, None),
        ({"type": "allowed_tools", "mode": "auto", "tools": [SEARCH, MCP]}, None),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [SEARCH, {"type": "function", "name": "look"}]},
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]},
            },
        ),
    ],
)
def test_choice_of_a_tool_that_is_left_out_is_named(choice: dict[str, Any], expected: Any) -> None:
    fields = {"tools": [LOOK, SEARCH, MCP], "tool_choice": choice}
    assert read(**fields).options.tool_choice == expected
    assert ignored_fields(fields) == ("tool_choice", "tools.web_search", "tools.mcp")


def test_choice_of_a_tool_that_was_not_sent_is_wrong() -> None:
    for choice in (SEARCH, {"type": "allowed_tools", "tools": [SEARCH]}):
        with pytest.raises(BadRequest):
            read(tools=[LOOK], tool_choice=choice)


@pytest.mark.parametrize("included", [[], ["reasoning.encrypted_content"], ["message.output_text.logprobs"]])
def test_logprobs_are_named_as_left_out(included: list[str]) -> None:
    named = ("include.message.output_text.logprobs",) if "message.output_text.logprobs" in included else ()
    assert ignored_fields({"include": included}) == named
