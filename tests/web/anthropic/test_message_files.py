"""Documents in Messages: base64 is read here, text stays, and other sources are refused."""

import base64
from typing import Any

import pytest

from tests.web.conftest import RunningApi
from web.anthropic.message_files import MessageFileForm

DATA = base64.b64encode(b"Whales are large.").decode()


def document(**source: str) -> dict[str, Any]:
    return {"type": "document", "title": "sea.txt", "source": source}


def test_only_base64_is_a_file() -> None:
    form = MessageFileForm()
    found = form.file_in(document(type="base64", media_type="text/plain", data=DATA), "messages.0.content.0")
    assert found is not None
    assert (found.where, found.name, found.data()) == (
        "messages.0.content.0.source.data",
        "sea.txt",
        b"Whales are large.",
    )
    assert form.file_in(document(type="text", data="x"), "") is None
    assert form.file_in({"type": "document", "source": "x"}, "") is None
    assert form.picture_part("eA==")["source"]["data"] == "eA=="


@pytest.mark.parametrize("in_result", [False, True])
async def test_text_of_a_document_is_counted_and_answered(api: RunningApi, in_result: bool) -> None:
    block = document(type="base64", media_type="text/plain", data=DATA)
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [block]}
    turns = [{"role": "user", "content": "Look."}, {"role": "assistant", "content": [call]}] if in_result else []
    messages = [*turns, {"role": "user", "content": [result if in_result else block]}]
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    body = {"model": "auto", "max_tokens": 50, "messages": messages, "tools": tools}
    async with api.http() as http:
        counted = await http.post("/v1/messages/count_tokens", json=body)
        answered = await http.post("/v1/messages", json=body)
        refused = await http.post(
            "/v1/messages",
            json={**body, "messages": [{"role": "user", "content": [document(type="url", url="https://x.y/a.pdf")]}]},
        )
    assert counted.json()["input_tokens"] > 0
    assert answered.status_code == 200
    assert (refused.status_code, "documents are not fetched" in refused.text) == (400, True)
