"""The limit on the parts of a request, in each family."""

from typing import Any

import pytest

from engine.errors import BadRequest
from tests.web.conftest import RunningApi
from web.pipeline.part_count import MOST_PARTS, check_part_count

TEXT, HALF = {"type": "text", "text": "x"}, MOST_PARTS // 2
MANY: list[Any] = [
    [{"role": "user", "content": "x"}] * (MOST_PARTS + 1),
    [{"role": "user", "content": [TEXT] * MOST_PARTS}],
    [{"role": "user", "content": [TEXT] * HALF}] * 2,
    [{"role": "user", "content": [{"type": "tool_result", "content": [TEXT] * MOST_PARTS}]}],
    [{"role": "assistant", "tool_calls": [{}] * MOST_PARTS}],
    [{"type": "function_call_output", "output": [TEXT] * MOST_PARTS}],
]


@pytest.mark.parametrize("turns", MANY)
def test_too_many_parts_are_refused(turns: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        check_part_count(turns, "messages")
    assert refused.value.field == "messages"


@pytest.mark.parametrize(
    "turns",
    [None, "x", [], [7], [{"content": "x" * 20_000}], [{"role": "user", "content": [TEXT] * (MOST_PARTS - 1)}]],
)
def test_other_requests_pass(turns: Any) -> None:
    check_part_count(turns, "messages")


@pytest.mark.parametrize(
    ("path", "name"), [("/v1/chat/completions", "messages"), ("/v1/messages", "messages"), ("/v1/responses", "input")]
)
async def test_each_family_names_the_limit(api: RunningApi, path: str, name: str) -> None:
    body = {"model": "auto", "max_tokens": 9, name: [{"role": "user", "content": [TEXT] * MOST_PARTS}]}
    async with api.http() as http:
        answer = await http.post(path, json=body)
    assert answer.status_code == 400
    assert f"at most {MOST_PARTS}" in answer.json()["error"]["message"]
