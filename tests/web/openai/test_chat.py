import json
from typing import Any

import pytest

from engine.chat import ChatRequest, Delta, Event, Finish, Finished, Usage
from engine.completion import Choice, Completion
from engine.tenancy import Charge
from web.auth import Caller
from web.errors import SERVER_ERROR
from web.openai.chat import ChatCompletionsRequest, ChatEncoder, FunctionsEncoder
from web.pipeline.family import Origin

DONE = Completion("deepseek", "m", (Choice("a", (), Finish.STOP),), Usage(10, 5))


def asked(**fields: Any) -> ChatCompletionsRequest:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": True, **fields}
    return ChatCompletionsRequest(body, Origin(Caller(), "r", 1))


def frames(sent: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in sent.decode().split("\n\n") if line.startswith("data: {")]


def test_ends_of_choices_are_sent_once_the_answer_is_charged() -> None:
    encoder = asked(n=2).encoder()
    assert encoder.begin("deepseek", "m") == b""
    assert frames(encoder.event(Delta("a")))[0]["choices"][0]["delta"] == {"role": "assistant", "content": "a"}
    assert frames(encoder.event(Delta("b", 1)))[0]["choices"][0]["delta"] == {"content": "b"}
    assert encoder.event(Finished(Finish.STOP)) + encoder.event(Finished(Finish.LENGTH, 1)) == b""
    ends = frames(encoder.end(DONE, Charge()))
    assert [(end["choices"][0]["index"], end["choices"][0]["finish_reason"]) for end in ends] == [
        (0, "stop"),
        (1, "length"),
    ]
    assert ["farthing" in end for end in ends] == [False, True]


def test_answer_without_content_has_its_role_and_end() -> None:
    encoder = asked().encoder()
    encoder.begin("deepseek", "m")
    encoder.event(Finished(Finish.LENGTH))
    [end] = frames(encoder.end(DONE, Charge()))
    assert end["choices"][0]["delta"]["role"] == "assistant"
    assert end["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("usage", [False, True])
def test_usage_is_the_last_chunk_where_it_is_asked_for(*, usage: bool) -> None:
    encoder = asked(stream_options={"include_usage": usage}).encoder()
    encoder.begin("deepseek", "m")
    encoder.event(Finished(Finish.STOP))
    last = frames(encoder.end(DONE, Charge()))[-1]
    assert ("usage" in last, last["choices"] == []) == (usage, usage)
    assert last["farthing"]["provider"] == "deepseek"


def test_error_event_has_no_end_marker() -> None:
    sent = asked().encoder().error(SERVER_ERROR)
    assert frames(sent) == [SERVER_ERROR.body()]
    assert b"[DONE]" not in sent


EVENTS: list[Event] = [
    Delta(""),
    Delta(thinking="hm"),
    *(Delta(f"word{n} ") for n in range(4)),
    Delta("\ud800"),
    Delta('say "hi"\n'),
    Delta("x", logprobs={"content": []}),
    Finished(Finish.STOP),
]


@pytest.mark.parametrize("begin", range(len(EVENTS)))
@pytest.mark.parametrize("cut", range(len(EVENTS) + 1))
@pytest.mark.parametrize("kind", [ChatEncoder, FunctionsEncoder])
def test_events_sent_together_are_those_sent_one_by_one(kind: type[ChatEncoder], begin: int, cut: int) -> None:
    encoders = [kind(ChatRequest("r", "m", ()), 1, with_usage=True) for _ in range(2)]
    for encoder in encoders:
        assert encoder.begin("p", "m") == b""
    events = EVENTS[begin:]
    together = encoders[0].events(events[:cut]) + encoders[0].events(events[cut:])
    assert together == b"".join(map(encoders[1].event, events))
    answer = Completion("p", "m", (), Usage(1, 1))
    assert encoders[0].end(answer, Charge()) == encoders[1].end(answer, Charge())
