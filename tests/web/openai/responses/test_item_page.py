"""The pages of a response's input."""

from typing import Any

import pytest

from tests.web.conftest import RunningApi
from web.errors import HttpProblem
from web.openai.responses.item_page import ItemPage

ITEMS = [{"id": "a"}, {"id": "b"}, {"id": "c"}]


@pytest.mark.parametrize(
    ("query", "ids", "has_more"),
    [
        ({}, "cba", False),
        ({"order": "asc"}, "abc", False),
        ({"limit": "1"}, "c", True),
        ({"limit": "2", "after": "c"}, "ba", False),
        ({"limit": "1", "after": "a", "order": "asc"}, "b", True),
        ({"after": "a"}, "", False),
    ],
)
def test_page_is_the_part_that_is_asked_for(query: dict[str, str], ids: str, has_more: bool) -> None:
    page = ItemPage.asked_in(query).of(ITEMS)
    assert ("".join(item["id"] for item in page["data"]), page["has_more"]) == (ids, has_more)
    assert (page.get("first_id"), page.get("last_id")) == ((ids[0], ids[-1]) if ids else (None, None))


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"order": "up"}])
def test_wrong_query_is_named(query: dict[str, str]) -> None:
    with pytest.raises(HttpProblem) as raised:
        ItemPage.asked_in(query).of(ITEMS)
    assert (raised.value.status, raised.value.param) == (400, next(iter(query)))


def test_unknown_item_is_not_found() -> None:
    with pytest.raises(HttpProblem, match="no item of this id") as raised:
        ItemPage(after="x").of(ITEMS)
    assert raised.value.status == 404


async def test_client_reads_all_pages(api: RunningApi) -> None:
    asked: Any = [
        {"role": "user", "content": "a"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "b", "status": None},
    ]
    tool: Any = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    async with api.ai() as ai:
        first = await ai.responses.create(model="auto", input=asked, tools=[tool])
        found = [item async for item in ai.responses.input_items.list(first.id, limit=1, order="asc")]
    assert [item.type for item in found] == ["message", "function_call", "function_call_output"]
    assert [getattr(item, "status", None) for item in found] == ["completed"] * 3
