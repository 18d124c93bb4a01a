"""Files in chat completions, also in a request to the running server."""

import base64
from typing import Any

import pytest

from engine.errors import BadRequest
from tests.documents.reading.files import pdf
from tests.web.conftest import RunningApi
from web.openai.chat_files import ChatFileForm

DATA = "data:text/plain;base64," + base64.b64encode(b"Whales are large.").decode()


def read(part: Any) -> Any:
    return ChatFileForm().file_in(part, "messages.0.content.0")


def test_file_has_its_data_and_name() -> None:
    found = read({"type": "file", "file": {"file_data": "data:;base64,eA==", "filename": "a.pdf"}})
    assert (found.encoded, found.name, found.data()) == ("data:;base64,eA==", "a.pdf", b"x")
    assert read({"type": "text", "text": "x"}) is None


@pytest.mark.parametrize(
    ("file", "field"), [({"file_id": "file-1"}, "file_id"), ({}, "file_data"), ({"file_data": 1}, "file_data")]
)
def test_file_that_is_not_sent_along_is_refused(file: Any, field: str) -> None:
    with pytest.raises(BadRequest) as raised:
        read({"type": "file", "file": file})
    assert raised.value.field == f"messages.0.content.0.file.{field}"


async def test_pdf_is_read(api: RunningApi) -> None:
    data = base64.b64encode(pdf("Whales are large animals. " * 40)).decode()
    part: Any = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}", "filename": "sea.pdf"}}
    async with api.ai() as ai:
        found = await ai.chat.completions.create(model="auto", messages=[{"role": "user", "content": [part]}])
    assert found.usage is not None
    assert found.usage.prompt_tokens > 100


async def test_model_gets_the_text_of_a_file(api: RunningApi) -> None:
    parts: Any = [{"type": "text", "text": "Sum up."}, {"type": "file", "file": {"file_data": DATA}}]
    async with api.ai() as ai:
        with_file = await ai.chat.completions.create(model="auto", messages=[{"role": "user", "content": parts}])
        without = await ai.chat.completions.create(model="auto", messages=[{"role": "user", "content": parts[:1]}])
    assert with_file.usage is not None
    assert without.usage is not None
    assert with_file.usage.prompt_tokens > without.usage.prompt_tokens
