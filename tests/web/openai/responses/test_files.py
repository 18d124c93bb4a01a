"""Files in responses: their text is stored in their place."""

import base64
from typing import Any

import pytest

from engine.errors import BadRequest
from tests.web.conftest import RunningApi
from web.openai.responses.files import ResponseFileForm

DATA = "data:text/plain;base64," + base64.b64encode(b"Whales are large.").decode()


@pytest.mark.parametrize("name", ["file_id", "file_url"])
def test_file_that_is_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match="send file_data") as raised:
        ResponseFileForm().file_in({"type": "input_file", name: "x"}, "input.0.content.0")
    assert raised.value.field == f"input.0.content.0.{name}"


async def test_stored_input_has_the_text_of_a_file(api: RunningApi) -> None:
    parts: Any = [{"type": "input_file", "file_data": DATA, "filename": "sea.txt"}]
    asked: Any = [{"role": "user", "content": parts}]
    async with api.ai() as ai:
        counted = await ai.responses.input_tokens.count(model="auto", input=asked)
        first = await ai.responses.create(model="auto", input=asked)
        listed = await ai.responses.input_items.list(first.id)
        second = await ai.responses.create(model="auto", input="And ducks?", previous_response_id=first.id)
    assert counted.input_tokens > 0
    item: Any = listed.data[0]
    assert item.content[0].text == "[File sea.txt:]\nWhales are large."
    assert second.output_text
