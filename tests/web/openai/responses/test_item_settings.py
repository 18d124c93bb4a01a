"""Settings in the items of an input, as Codex 0.171 sends them."""

from typing import Any

import pytest

from engine.errors import BadRequest
from tests.web.conftest import RunningApi
from web.openai.responses.item_settings import with_item_settings
from web.openai.responses.items import items_of, messages_of, provider_items
from web.openai.responses.request import ignored_fields, response_request

LOOK: dict[str, Any] = {"type": "function", "name": "look", "parameters": {"type": "object"}}
RUN: dict[str, Any] = {"type": "custom", "name": "exec", "format": {"type": "text"}}
SEARCH: dict[str, Any] = {
    "type": "tool_search",
    "execution": "client",
    "description": "Find more tools.",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
}
ASKED: dict[str, Any] = {"role": "user", "content": "hi"}
SEARCHED: dict[str, Any] = {
    "type": "tool_search_call",
    "call_id": "c",
    "execution": "client",
    "arguments": {"query": "é"},
}


def space(*tools: dict[str, Any], name: str = "functions") -> dict[str, Any]:
    return {"type": "namespace", "name": name, "description": "", "tools": list(tools)}


def adds(*tools: dict[str, Any]) -> dict[str, Any]:
    return {"type": "additional_tools", "role": "developer", "tools": list(tools)}


def found_by_client(*tools: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_search_output", "call_id": "c", "execution": "client", "tools": list(tools)}


def update(**settings: Any) -> dict[str, Any]:
    return {"type": "configuration_update", **settings}


def functions(tools: list[dict[str, Any]], *items: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the functions that the model gets, with their descriptions."""
    given = items_of([ASKED, *items])
    body = with_item_settings({"model": "auto", "tools": tools}, given)
    asked = response_request(body, messages_of(given), id="r", key_id=None)
    return [(tool.name, tool.description) for tool in asked.options.tools]


@pytest.mark.parametrize(
    ("tools", "items", "names"),
    [
        ([], [adds(space(RUN, LOOK))], ["functions__exec", "functions__look"]),
        ([LOOK], [adds(RUN)], ["look", "exec"]),
        ([space(LOOK)], [adds(space(RUN))], ["functions__look", "functions__exec"]),
        ([space(LOOK)], [adds(space(LOOK, name="clock"))], ["functions__look", "clock__look"]),
        ([SEARCH], [], ["tool_search"]),
        ([SEARCH], [SEARCHED, found_by_client(space(LOOK, name="crm"))], ["tool_search", "crm__look"]),
        ([SEARCH], [{**found_by_client(LOOK), "execution": "server", "call_id": None}], ["tool_search", "look"]),
        ([], [adds(), adds(LOOK), adds(RUN)], ["look", "exec"]),
    ],
)
def test_items_add_tools(tools: list[Any], items: list[Any], names: list[str]) -> None:
    assert [name for name, _ in functions(tools, *items)] == names


def test_later_tool_replaces_the_earlier_one_of_its_name() -> None:
    old, new = {**LOOK, "description": "old"}, {**LOOK, "description": "new"}
    assert functions([old], adds(RUN, new)) == [("look", "new"), ("exec", "")]
    assert functions([space(old)], adds(space(new))) == [("functions__look", "new")]
    assert functions([old, {**LOOK, "description": "second"}], adds(new))[0] == ("look", "new")


def test_search_that_openai_runs_is_left_out() -> None:
    hosted = {"type": "tool_search"}
    assert functions([hosted, LOOK]) == [("look", "")]
    assert ignored_fields({"tools": [hosted, SEARCH]}) == ("tools.tool_search",)
    items: list[Any] = [SEARCHED, {**SEARCHED, "execution": "server"}, found_by_client()]
    assert provider_items([*items, {"type": "context_compaction"}]) == ("tool_search_call", "context_compaction")
    assert provider_items([adds(), update()]) == ()


def test_search_and_its_result_are_a_call_and_a_message_of_the_tool() -> None:
    [_, call, result] = messages_of([ASKED, SEARCHED, found_by_client(space(LOOK, name="crm"), RUN)])
    assert [(each.id, each.name, each.arguments) for each in call.tool_calls] == [
        ("c", "tool_search", '{"query": "é"}')
    ]
    assert (result.tool_call_id, result.text) == ("c", '{"found": ["crm__look", "exec"]}')


def test_last_update_of_the_configuration_counts() -> None:
    form = {"type": "json_schema", "name": "word", "schema": {"type": "object"}}
    body = {"reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"}}
    items = [update(reasoning={"effort": "high"}), ASKED, update(text={"format": form}), update(reasoning=None)]
    found = with_item_settings(body, items)
    assert found["reasoning"] == {"effort": "high", "summary": "auto"}
    assert found["text"] == {"verbosity": "low", "format": form}
    assert with_item_settings(body, [ASKED]) == body
    assert [message.text for message in messages_of(items)] == ["hi"]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"type": "additional_tools", "tools": "x"}, "input.1.tools"),
        (adds({"type": "function"}), "input.1.tools.0.name"),
        (adds(LOOK, space({"type": "shell"})), "input.1.tools.1.tools.0.type"),
        (update(reasoning="high"), "input.1.reasoning"),
        (adds(*({**LOOK, "name": f"f{n}"} for n in range(128))), "input"),
    ],
)
def test_wrong_setting_is_named(item: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        with_item_settings({"tools": [LOOK]}, [ASKED, ASKED, item], before=1)
    assert caught.value.field == field


async def test_model_calls_a_tool_of_an_item_in_a_stored_conversation(api: RunningApi) -> None:
    tools: Any = [adds(space(RUN)), {"role": "user", "content": "use the tool exec"}]
    async with api.ai() as ai:
        first = await ai.responses.create(model="gpt-4o", input=tools, tool_choice="required")
        [call] = [item for item in first.output if item.type == "custom_tool_call"]
        result: Any = [{"type": "custom_tool_call_output", "call_id": call.call_id, "output": "a whale"}]
        second = await ai.responses.create(model="gpt-4o", input=result, previous_response_id=first.id)
    assert (call.name, call.namespace) == ("exec", "functions")
    assert "a whale" in second.output_text
    assert (first.model_extra or {})["farthing"]["ignored"] == []
