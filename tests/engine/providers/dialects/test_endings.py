"""Ends without content, in each dialect: some are answers, others failures."""

from collections.abc import Callable
from typing import Any, TypeAlias

import httpx
import pytest

from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Delta, Finish, Finished
from engine.errors import EmptyAnswer, RequestFault
from engine.gateway.attempt_content import AttemptContent
from tests.engine.providers.dialects.wires import ASKED, Wire, asking, data

Body: TypeAlias = Callable[..., str]


def openai(reason: str, thought: str = "", reasoning_tokens: int = 0) -> str:
    delta = {"reasoning_content": thought} if thought else {}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
    choice = {"index": 0, "delta": {}, "finish_reason": reason}
    return data({"choices": [{"index": 0, "delta": delta}]}, {"choices": [choice], "usage": usage}, "[DONE]")


def gemini(reason: str, thought: str = "", reasoning_tokens: int = 0) -> str:
    parts = [{"text": thought, "thought": True}] if thought else []
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 0, "thoughtsTokenCount": reasoning_tokens}
    return data(
        {"candidates": [{"content": {"parts": parts}}]},
        {"candidates": [{"finishReason": reason}], "usageMetadata": usage},
    )


def anthropic(reason: str, thought: str = "", reasoning_tokens: int = 0) -> str:
    frames: list[dict[str, Any]] = [{"type": "message_start", "message": {"usage": {"input_tokens": 9}}}]
    if thought:
        piece = {"type": "thinking_delta", "thinking": thought}
        frames.append({"type": "content_block_delta", "index": 0, "delta": piece})
    usage = {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": reasoning_tokens}}
    frames.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage})
    return data(*frames, {"type": "message_stop"})


PROVIDERS = [
    *[
        (name, openai, "length", "stop", "stop", "content_filter")
        for name in ("deepseek", "openrouter", "openai", "groq")
    ],
    ("mistral", openai, "model_length", "stop", "stop", "content_filter"),
    ("local", openai, "length", "stop", "stop", "content_filter"),
    ("gemini", gemini, "MAX_TOKENS", "STOP", "STOP", "SAFETY"),
    ("anthropic", anthropic, "max_tokens", "end_turn", "stop_sequence", "refusal"),
]
EACH = pytest.mark.parametrize(
    ("name", "body", "length", "done", "at_stop", "refused"), PROVIDERS, ids=[row[0] for row in PROVIDERS]
)


async def kept(name: str, body: str, request: ChatRequest = ASKED) -> AttemptContent:
    """Return the content that an attempt keeps. Raises EmptyAnswer."""
    made = AttemptContent(Offer(name, "m"), request.n, 100)
    for chunk in await Wire(name, body).chunks(request):
        made.add(chunk)
    made.finish()
    return made


@EACH
async def test_end_without_content_is_an_answer_for_a_reason(
    name: str, body: Body, length: str, done: str, at_stop: str, refused: str
) -> None:
    stopping = asking(stop=("OK",))
    for answer, request, finish in (
        (body(length, "hm"), ASKED, Finish.LENGTH),
        (body(length, "", 5), ASKED, Finish.LENGTH),
        (body(length), ASKED, Finish.LENGTH),
        (body(at_stop), stopping, Finish.STOP),
        (body(refused), ASKED, Finish.REFUSED),
        (body(done, "hm"), ASKED, Finish.STOP),
        (body(done, "", 5), ASKED, Finish.STOP),
    ):
        assert (await kept(name, answer, request)).events[-1:] == [Finished(finish)]


@EACH
async def test_end_with_nothing_at_all_is_empty(
    name: str, body: Body, length: str, done: str, at_stop: str, refused: str
) -> None:
    del length, at_stop, refused
    for reason, request in (
        (done, ASKED),
        ("a_reason_of_tomorrow", ASKED),
        ("a_reason_of_tomorrow", asking(stop=("OK",))),
    ):
        with pytest.raises(EmptyAnswer):
            await kept(name, body(reason), request)


async def test_natural_end_of_claude_with_nothing_is_empty_although_stop_sequences_were_sent() -> None:
    with pytest.raises(EmptyAnswer):
        await kept("anthropic", anthropic("end_turn"), asking(stop=("OK",)))


async def test_stop_sequence_that_is_not_sent_to_a_reasoning_model_explains_no_empty_end() -> None:
    made = AttemptContent(Offer("openai", "gpt-5"), 1, 100)
    for chunk in await Wire("openai", openai("stop"), model="gpt-5").chunks(asking(stop=("OK",))):
        made.add(chunk)
    with pytest.raises(EmptyAnswer):
        made.finish()


async def test_blocked_prompt_of_gemini_is_a_refusal() -> None:
    body = data({"promptFeedback": {"blockReason": "SAFETY"}})
    assert (await kept("gemini", body)).events == [Finished(Finish.REFUSED)]


async def test_end_marker_after_reasoning_alone_is_an_answer() -> None:
    body = data({"choices": [{"index": 0, "delta": {"reasoning": "hm"}}]}, "[DONE]")
    assert (await kept("groq", body)).events == [Delta(thinking="hm"), Finished(Finish.STOP)]


LIMIT_TEXT = (
    "Could not finish the message because max_tokens or model output limit was reached. "
    "Please try again with higher max_tokens."
)


def refusing(message: str) -> Wire:
    """Return OpenAI refusing with a 400 and this message."""
    error = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
    wire = Wire("openai", model="gpt-5-nano")
    wire.provider.send_through(httpx.MockTransport(lambda _: httpx.Response(400, json=error)))
    return wire


async def test_output_limit_that_reasoning_used_up_ends_an_answer_by_its_length() -> None:
    chunks = await refusing(LIMIT_TEXT).chunks(asking(n=2))
    assert chunks == [Finished(Finish.LENGTH, 0), Finished(Finish.LENGTH, 1)]
    content = AttemptContent(Offer("openai", "m"), 2, 10)
    for chunk in chunks:
        content.add(chunk)
    assert content.is_whole
    assert content.is_cut


async def test_message_that_quotes_the_output_limit_is_a_refusal() -> None:
    with pytest.raises(RequestFault):
        await refusing(f"Invalid value: '{LIMIT_TEXT}'").chunks(ASKED)
