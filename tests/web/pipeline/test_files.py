"""Files in requests: read in their place, within limits, refused by name."""

import asyncio
import base64
from typing import Any

import pytest

from documents.reading.file_content import FileContent, Flaw, Picture, UnreadableFileError
from documents.reading.reader import FileReader
from engine.errors import BadRequest
from tests.web.conftest import RunningApi
from web.errors import HttpProblem
from web.openai.chat_files import ChatFileForm
from web.pipeline.files import MOST_AT_ONCE, MOST_FILES, MOST_OF_TENANT, RequestFiles


class ReadyReader(FileReader):
    """A reader that finds `content` in each file, or a flaw."""

    def __init__(self, content: FileContent | Flaw) -> None:
        super().__init__()
        self.content = content

    async def read(self, data: bytes, user_id: int, language: str) -> FileContent:  # noqa: ARG002
        if isinstance(self.content, Flaw):
            raise UnreadableFileError(self.content)
        return self.content


def encoded(data: bytes = b"Whales", kind: str = "text/plain") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def part(data: str | None = None, name: str | None = "a.txt") -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": encoded() if data is None else data, "filename": name}}


async def read(messages: Any, reader: FileReader | None = None) -> Any:
    return await RequestFiles(reader or FileReader()).read(messages, ChatFileForm(), "messages", 1)


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


async def test_file_becomes_a_text_below_its_name() -> None:
    text = {"type": "text", "text": "Sum up."}
    [found] = await read([user(text, part(), part(base64.b64encode(b"Ducks").decode(), None))])
    assert found["content"] == [
        text,
        {"type": "text", "text": "[File a.txt:]\nWhales"},
        {"type": "text", "text": "[File file:]\nDucks"},
    ]


async def test_file_in_a_list_within_a_part_is_read_too() -> None:
    [found] = await read([user({"type": "tool_result", "content": [part()]})])
    assert found["content"][0]["content"][0]["text"] == "[File a.txt:]\nWhales"


@pytest.mark.parametrize("messages", [None, "x", [1], [{"content": "x"}], [{"content": [1, "x", {"content": "y"}]}]])
async def test_messages_without_files_are_unchanged(messages: Any) -> None:
    assert await read(messages) is messages


async def test_scan_becomes_pictures() -> None:
    content = FileContent(pictures=(Picture(b"jpeg", 1, 1),), unit="pages", shown=1, total=3)
    [found] = await read([user(part(name="a].pdf"))], ReadyReader(content))
    label, picture = found["content"]
    assert label["text"] == "[File a).pdf, only the first 1 pages of it, as pictures of its pages:]"
    assert picture["image_url"]["url"] == "data:image/jpeg;base64," + base64.b64encode(b"jpeg").decode()


@pytest.mark.parametrize("flaw", Flaw)
async def test_unreadable_file_is_refused_with_the_reason(flaw: Flaw) -> None:
    with pytest.raises(BadRequest) as raised:
        await read([user(part())], ReadyReader(flaw))
    assert raised.value.field == "messages.0.content.0.file.file_data"
    assert raised.value.reason


@pytest.mark.parametrize("data", ["data:text/plain;base64,", "data:text/plain;base64,%%", "\u00e9", "data:x"])
async def test_wrong_base64_is_refused(data: str) -> None:
    with pytest.raises(BadRequest, match="must be a file in base64"):
        await read([user(part(data))])


async def test_number_of_files_is_limited() -> None:
    await read([user(*[part()] * MOST_FILES)])
    with pytest.raises(BadRequest, match="one file too many") as raised:
        await read([user(*[part()] * MOST_FILES), user(part())])
    assert raised.value.field == "messages.1.content.0.file.file_data"


class WaitingReader(FileReader):
    """A reader that waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def read(self, data: bytes, user_id: int, language: str) -> FileContent:  # noqa: ARG002
        await self.go.wait()
        return FileContent(text="Whales")


async def test_few_requests_with_files_wait_at_once() -> None:
    reader = WaitingReader()
    files = RequestFiles(reader)

    def ask(tenant_id: int) -> "asyncio.Task[Any]":
        return asyncio.create_task(files.read([user(part())], ChatFileForm(), "messages", tenant_id))

    waiting = [ask(tenant_id) for tenant_id in (1, 2, 3) for _ in range(MOST_OF_TENANT)]
    await asyncio.sleep(0)
    for tenant_id, status in ((1, 429), (4, 503)):
        with pytest.raises(HttpProblem) as refused:
            await ask(tenant_id)
        assert refused.value.status == status
    plain = [{"role": "user", "content": "x"}]
    assert await files.read(plain, ChatFileForm(), "messages", 1) is plain
    waiting[0].cancel()
    await asyncio.wait([waiting[0]])
    waiting[0] = ask(4)
    reader.go.set()
    await asyncio.gather(*waiting)
    assert len(waiting) == MOST_AT_ONCE
    [found] = await ask(1)
    assert "Whales" in found["content"][0]["text"]


BAD, GOOD = encoded(b"\0\1\2", "application/octet-stream"), encoded()
IN_CHAT = {"type": "file", "file": {"file_data": BAD}}
IN_RESPONSE = {"type": "input_file", "file_data": BAD}
IN_MESSAGE = {
    "type": "document",
    "source": {"type": "base64", "media_type": "text/plain", "data": GOOD.partition(",")[2]},
}


def request(name: str, *parts: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "auto", name: [{"role": "user", "content": list(parts)}], **fields}


@pytest.mark.parametrize(
    ("path", "body", "status", "counted"),
    [
        ("/v1/chat/completions", request("messages", IN_CHAT), 400, 1),
        ("/v1/chat/completions", request("messages", part(), temperature=9), 400, 1),
        ("/v1/chat/completions", request("messages", {"type": "text", "text": "x"}, temperature=9), 400, 0),
        ("/v1/chat/completions", request("messages", part()), 200, 1),
        ("/v1/responses", request("input", IN_RESPONSE), 400, 1),
        ("/v1/responses/input_tokens", request("input", {**IN_RESPONSE, "file_data": GOOD}), 200, 1),
        ("/v1/responses/input_tokens", request("input", {"type": "input_text", "text": "x"}), 200, 0),
        ("/v1/messages", request("messages", IN_MESSAGE), 400, 1),  # it has no max_tokens
        ("/v1/messages/count_tokens", request("messages", IN_MESSAGE), 200, 1),
        ("/v1/messages/count_tokens", request("messages", {"type": "text", "text": "x"}), 200, 0),
    ],
)
async def test_request_whose_files_are_read_counts_as_a_request(
    api: RunningApi, path: str, body: dict[str, Any], status: int, counted: int
) -> None:
    async with api.http() as http:
        answer = await http.post(path, json=body)
    left = int(answer.headers["x-ratelimit-limit-requests"]) - int(answer.headers["x-ratelimit-remaining-requests"])
    assert (answer.status_code, left) == (status, counted), answer.text
