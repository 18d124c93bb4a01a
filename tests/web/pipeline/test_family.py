from typing import Any

import pytest
from msgspec.structs import replace

from engine.chat import Delta, Finish, Finished, ToolCallDelta, Usage
from engine.completion import Choice, Completion
from engine.money import Money
from engine.tenancy import Charge
from web.auth import Caller
from web.openai.chat import ChatCompletionsRequest
from web.pipeline.family import Origin, replay, sse

USAGE = Usage(10, 5)
CHARGE = Charge(Money(1_234), 9)
LOGPROBS: dict[str, object] = {"content": [{"token": "a", "logprob": -0.5}], "refusal": None}
EVENTS = (
    Delta(thinking="hm"),
    Delta(thinking_signature="s"),
    Delta("a", logprobs=LOGPROBS),
    Delta("", 0, (ToolCallDelta(0, "c", "look", "{}"),)),
    Finished(Finish.TOOL_CALLS),
)
COMPLETION = Completion("deepseek", "m", (Choice("a", (), Finish.TOOL_CALLS),), USAGE, events=EVENTS, ignored=("n",))


def asked(**fields: Any) -> ChatCompletionsRequest:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **fields}
    return ChatCompletionsRequest(body, Origin(Caller(), "r", 1))


@pytest.mark.parametrize("usage", [False, True])
def test_replayed_stream_is_the_bytes_that_an_encoder_gave(*, usage: bool) -> None:
    request = asked(stream=True, stream_options={"include_usage": usage})
    encoder = request.encoder()
    sent = encoder.begin("deepseek", "m")
    for event in EVENTS:
        sent += encoder.event(event)
    assert replay(request, COMPLETION, CHARGE) == sent + encoder.end(COMPLETION, CHARGE)
    assert replay(request, COMPLETION, CHARGE).count(b'"farthing"') == 1


def test_replayed_whole_answer_is_its_body() -> None:
    request = asked()
    assert replay(request, COMPLETION, CHARGE) == request.whole(COMPLETION, CHARGE)
    assert b'"ignored":["n"]' in request.whole(COMPLETION, CHARGE)
    assert b'"ignored":[]' in request.whole(replace(COMPLETION, ignored=()), CHARGE)


def test_event_may_have_a_name() -> None:
    assert sse("x") == b"data: x\n\n"
    assert sse("x\ud800", "ping") == b"event: ping\ndata: x?\n\n"
