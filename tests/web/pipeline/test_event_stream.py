import asyncio
import json
from typing import Any

import pytest

from engine.chat import Delta, Finish, Finished, ToolCallDelta, Usage
from engine.errors import Unreachable
from engine.gateway.answer import Answer
from tests.engine.scripted import AnswerSetup, ScriptedHold, ScriptedProvider, Step, whole
from web.auth import Caller
from web.openai.chat import ChatCompletionsRequest
from web.pipeline.event_stream import MOST_JOINED, WHEN_LOST, EventStream, when_gone
from web.pipeline.family import KEEP_ALIVE, Origin, replay

BODY = {"model": "auto", "messages": [{"role": "user", "content": "tell me"}], "stream": True}
ASKED = ChatCompletionsRequest(BODY, Origin(Caller(), "r", 1))
SILENCE = 0.01


class Client:
    """An ASGI client that keeps the sent bodies; it disconnects when `gone` is set."""

    def __init__(self) -> None:
        self.gone, self.bodies = asyncio.Event(), list[bytes]()
        self.status = 0

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.bodies.append(message["body"])

    @property
    def frames(self) -> list[Any]:
        lines = b"".join(self.bodies).decode().split("\n\n")
        return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


async def release() -> None:
    """Do nothing: there is no key to free."""


async def respond(script: list[Step], client: Client, *, key: bool = False) -> tuple[Answer, ScriptedHold]:
    """Send the answer of a provider that follows `script`."""
    answer, hold = AnswerSetup(ScriptedProvider("one", script)).answer(can_restart=False)
    first = await answer.next_events(MOST_JOINED, SILENCE)
    forget = None if key else when_gone({}, client.receive, answer.stop)
    try:
        stream = EventStream(
            answer, ASKED.encoder(), client.send, release=release if key else None, silence_seconds=SILENCE
        )
        await client.send({"type": "http.response.start", "status": 200})
        await stream.run(first)
    finally:
        if forget is not None:
            forget()
        await answer.leave()
    return answer, hold


async def test_events_end_with_the_provider_and_the_end_marker() -> None:
    client = Client()
    _, hold = await respond(whole("one two"), client)
    assert hold.bill is not None
    *deltas, last = client.frames
    assert "".join(each["choices"][0]["delta"].get("content", "") for each in deltas) == "one two "
    assert last["farthing"] == {"provider": "one", "model": "m", "ignored": []}
    assert client.bodies[-1].endswith(b"data: [DONE]\n\n")
    assert KEEP_ALIVE not in client.bodies


async def test_silence_before_and_within_an_answer_is_filled_with_comments() -> None:
    client, begin, go_on = Client(), asyncio.Event(), asyncio.Event()
    script: list[Step] = [begin, Delta("a "), go_on, Delta("b"), Finished(Finish.STOP), Usage(10, 2)]
    responding = asyncio.create_task(respond(script, client))
    async with asyncio.timeout(60):
        while client.bodies.count(KEEP_ALIVE) < 2:
            await asyncio.sleep(0.001)
        assert (client.status, client.frames) == (200, [])
        begin.set()
        while not client.frames:
            await asyncio.sleep(0.001)
        before = client.bodies.count(KEEP_ALIVE)
        while client.bodies.count(KEEP_ALIVE) == before:
            await asyncio.sleep(0.001)
        go_on.set()
        await responding
    assert [each["choices"][0]["delta"].get("content") for each in client.frames][:2] == ["a ", "b"]


async def test_failure_after_a_silence_is_an_event() -> None:
    client, fail = Client(), asyncio.Event()
    responding = asyncio.create_task(respond([fail, Unreachable("gone")], client))
    async with asyncio.timeout(60):
        while not client.bodies:
            await asyncio.sleep(0.001)
        fail.set()
        _, hold = await responding
    assert (hold.voided, client.status) == (True, 200)
    assert [each["error"]["code"] for each in client.frames] == ["no_provider_available"]
    assert b"[DONE]" not in b"".join(client.bodies)


@pytest.mark.parametrize("key", [False, True])
async def test_answer_goes_on_without_its_reader_only_under_an_idempotency_key(*, key: bool) -> None:
    client, go_on = Client(), asyncio.Event()
    script: list[Step] = [Delta("a "), go_on, Delta("b"), Finished(Finish.STOP), Usage(10, 2)]
    responding = asyncio.create_task(respond(script, client, key=key))
    async with asyncio.timeout(60):
        while not client.frames:
            await asyncio.sleep(0.001)
        client.gone.set()
        for _ in range(20):
            await asyncio.sleep(0)
        go_on.set()
        answer, _ = await responding
    assert answer.completion is not None
    assert (answer.completion.text, answer.completion.stopped) == (("a b", False) if key else ("a ", True))


def thinking_of(client: Client) -> list[str]:
    deltas = [choice["delta"] for frame in client.frames for choice in frame["choices"]]
    return [delta["reasoning_content"] for delta in deltas if "reasoning_content" in delta]


@pytest.mark.parametrize(("key", "shown"), [(False, ["hm"]), (True, [])])
async def test_reasoning_is_sent_as_it_comes_once_the_stream_is_open(*, key: bool, shown: list[str]) -> None:
    client, goes_on = Client(), asyncio.Event()
    script: list[Step] = [Delta(thinking="hm"), goes_on, *whole("so")]
    responding = asyncio.create_task(respond(script, client, key=key))
    async with asyncio.timeout(60):
        while client.bodies.count(KEEP_ALIVE) < 3:
            await asyncio.sleep(SILENCE)
    assert thinking_of(client) == shown
    goes_on.set()
    await responding
    assert thinking_of(client) == ["hm"]


async def test_signatures_and_signs_of_life_are_no_chunks() -> None:
    client = Client()
    await respond([Delta(thinking_signature="sig"), Delta(), *whole("so")], client)
    [first, *_] = client.frames
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "so "}


async def test_replayed_stream_is_byte_equal_to_the_first() -> None:
    client = Client()
    calls = (ToolCallDelta(0, "c", "look", "{"), ToolCallDelta(0, arguments="}"))
    script: list[Step] = [
        Delta(thinking="hm"),
        Delta("so", logprobs={"content": [{"token": "so", "logprob": -0.5}], "refusal": None}),
        *(Delta("", 0, (call,)) for call in calls),
        Finished(Finish.STOP),
        Usage(10, 5),
    ]
    answer, _ = await respond(script, client, key=True)
    assert answer.completion is not None
    sent = b"".join(client.bodies).replace(KEEP_ALIVE, b"")
    assert replay(ASKED, answer.completion, answer.charge) == sent
    assert b'"finish_reason":"tool_calls"' in sent
    assert b'"reasoning_content":"hm"' in sent


async def test_events_that_have_come_together_are_sent_in_one_write() -> None:
    client = Client()
    await respond([Delta(f"{number} ") for number in range(5)] + whole("end"), client)
    first = next(body for body in client.bodies if body)
    assert first.count(b"data: ") > 1
    assert len(client.frames) >= 6


async def test_server_that_says_when_the_client_leaves_is_asked_for_no_message() -> None:
    actions: list[Any] = []

    async def unused() -> Any:
        raise AssertionError

    def action() -> None:
        actions.append("called")

    forget = when_gone({"extensions": {WHEN_LOST: actions.append}}, unused, action)
    assert actions == [action]
    forget()
    assert actions == [action, None]
