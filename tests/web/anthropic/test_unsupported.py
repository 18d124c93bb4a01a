"""Messages that would need a stored conversation: the SDK's tool runner goes on without it."""

from typing import Any

import pytest

from tests.web.conftest import RunningApi
from web.anthropic.unsupported import check_supported
from web.errors import ErrorShape, HttpProblem

ASKED: Any = {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": "tell me about the sea"}]}
CODES = {"thread": "thread_unsupported_request", "compaction": "compaction_unsupported"}


@pytest.mark.parametrize("name", CODES)
async def test_field_is_refused_with_the_code_that_clients_act_on(api: RunningApi, name: str) -> None:
    async with api.http() as http:
        refused = await http.post("/v1/messages", json={**ASKED, name: {"type": "create"}})
        counted = await http.post("/v1/messages/count_tokens", json={**ASKED, name: {"type": "create"}})
    assert refused.status_code == 400
    assert refused.json()["error"]["details"]["error_code"] == CODES[name]
    assert refused.json()["error"]["message"].startswith(f"{name}: ")
    assert counted.status_code == 200


def test_absent_fields_are_right() -> None:
    check_supported({**ASKED, "thread": None})


def test_details_are_of_anthropics_shape_alone() -> None:
    with pytest.raises(HttpProblem) as raised:
        check_supported({"thread": {"type": "create"}})
    assert "details" in raised.value.body(ErrorShape.ANTHROPIC)["error"]
    assert "details" not in raised.value.body()["error"]
