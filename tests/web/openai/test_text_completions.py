"""Tests of POST /v1/completions: the fields of a request, the encoding of answers, and the openai client."""

import json
from typing import Any

import openai
import pytest

from engine.chat import Delta, Finish, Finished, Options, Restart, Usage
from engine.completion import Choice, Completion
from engine.errors import BadRequest
from engine.money import Money
from engine.tenancy import Charge
from tests.web.conftest import RunningApi
from web.auth import Caller
from web.errors import SERVER_ERROR
from web.openai.text_completions import TextCompletionsRequest
from web.pipeline.family import Origin, replay

PROMPT = "tell me about the sea, at length"
DONE = Completion(
    "deepseek", "m", (Choice("a", (), Finish.STOP), Choice("", (), Finish.REFUSED, refusal="no")), Usage(9, 5)
)
PAID = Charge(Money(7), 3)


def asked(**fields: Any) -> TextCompletionsRequest:
    return TextCompletionsRequest({"model": "auto", "prompt": "hi", **fields}, Origin(Caller(), "r", 1))


def frames(sent: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in sent.decode().split("\n\n") if line.startswith("data: {")]


@pytest.mark.parametrize("prompt", ["hi", ["hi"]])
def test_prompt_is_a_message_of_the_user(prompt: Any) -> None:
    chat = asked(prompt=prompt, max_tokens=9, n=2, stop="x", temperature=1, logit_bias={"1": 2}).chat
    assert [(message.role, message.text) for message in chat.messages] == [("user", "hi")]
    assert (chat.id, chat.max_output_tokens, chat.n) == ("r", 9, 2)
    assert chat.options == Options(temperature=1, stop=("x",), logit_bias={"1": 2})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [""]}, "prompt"),
        ({"prompt": ["a", ""]}, "prompt"),
        ({"prompt": ["a"] * 21}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2]]}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 9}, "n"),
        ({"best_of": 21}, "best_of"),
        ({"stop": {}}, "stop"),
        ({"logprobs": 6}, "logprobs"),
        ({"suffix": 1}, "suffix"),
        ({"echo": "yes"}, "echo"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        asked(**fields)
    assert refused.value.field == field


def test_whole_answer_has_each_choice_and_the_usage() -> None:
    body = json.loads(asked(n=2).whole(DONE, PAID))
    assert (body["id"], body["object"], body["created"], body["model"]) == ("cmpl-r", "text_completion", 1, "m")
    assert body["choices"] == [
        {"text": "a", "index": 0, "logprobs": None, "finish_reason": "stop"},
        {"text": "no", "index": 1, "logprobs": None, "finish_reason": "content_filter"},
    ]
    assert (body["usage"]["total_tokens"], body["usage"]["cost"], body["usage"]["allowance_tokens"]) == (14, 7e-9, 3)
    assert body["farthing"] == {"provider": "deepseek", "model": "m", "ignored": []}


def test_fields_that_no_chat_serves_are_named_as_ignored() -> None:
    body = json.loads(asked(suffix="end", best_of=3, logprobs=0).whole(DONE, PAID))
    assert body["farthing"]["ignored"] == ["suffix", "best_of", "logprobs"]
    assert json.loads(asked(suffix="", best_of=1).whole(DONE, PAID))["farthing"]["ignored"] == []


def test_echo_puts_the_prompt_before_each_choice() -> None:
    body = json.loads(asked(echo=True, n=2).whole(DONE, PAID))
    assert [choice["text"] for choice in body["choices"]] == ["hia", "hino"]
    begun = frames(asked(echo=True, n=2, stream=True).encoder().begin("deepseek", "m"))
    assert [(each["choices"][0]["index"], each["choices"][0]["text"]) for each in begun] == [(0, "hi"), (1, "hi")]


def test_stream_has_texts_then_ends_then_usage() -> None:
    encoder = asked(n=2, stream=True, stream_options={"include_usage": True}).encoder()
    assert encoder.begin("deepseek", "m") == b""
    (first,) = frames(encoder.event(Delta("a")))
    assert first == {
        "id": "cmpl-r",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"text": "a", "index": 0, "logprobs": None, "finish_reason": None}],
    }
    assert frames(encoder.event(Delta("no", 1, is_refusal=True)))[0]["choices"][0]["text"] == "no"
    assert encoder.event(Delta(thinking="hm")) + encoder.event(Finished(Finish.STOP)) == b""
    assert encoder.event(Finished(Finish.LENGTH, 1)) == b""
    sent = encoder.end(DONE, PAID)
    assert sent.endswith(b"data: [DONE]\n\n")
    one, two, last = frames(sent)
    assert [each["choices"][0]["finish_reason"] for each in (one, two)] == ["stop", "length"]
    assert (last["choices"], last["usage"]["cost"], last["farthing"]["provider"]) == ([], 7e-9, "deepseek")


def test_stream_without_usage_names_the_provider_in_its_last_chunk() -> None:
    encoder = asked(n=2, stream=True).encoder()
    encoder.begin("deepseek", "m")
    for end in (Finished(Finish.STOP), Finished(Finish.STOP, 1)):
        encoder.event(end)
    assert ["farthing" in each for each in frames(encoder.end(DONE, PAID))] == [False, True]
    assert asked(stream=True).encoder().end(DONE, PAID) == b"data: [DONE]\n\n"


def test_restart_and_error_are_encoded() -> None:
    encoder = asked(stream=True).encoder()
    assert encoder.event(Restart("a", "m")) == b""
    assert frames(encoder.error(SERVER_ERROR))[0]["error"]["type"] == "server_error"


def test_replayed_stream_is_the_first_one() -> None:
    request = asked(stream=True, echo=True)
    events: tuple[Delta | Finished, ...] = (Delta("a"), Delta("b"), Finished(Finish.STOP))
    done = Completion("deepseek", "m", (Choice("ab", (), Finish.STOP),), Usage(9, 5), events=events)
    encoder = request.encoder()
    sent = encoder.begin("deepseek", "m") + b"".join(map(encoder.event, events)) + encoder.end(done, PAID)
    assert replay(request, done, PAID) == sent


async def test_client_gets_whole_and_streamed_texts(api: RunningApi) -> None:
    async with api.ai() as ai:
        whole = await ai.completions.create(model="auto", prompt=PROMPT)
        stream = await ai.completions.create(model="auto", prompt=PROMPT, stream=True, echo=True)
        chunks = [chunk async for chunk in stream]
    usage: Any = whole.usage
    assert "stand-in for DeepSeek" in whole.choices[0].text
    assert (whole.object, whole.choices[0].finish_reason) == ("text_completion", "stop")
    assert usage.allowance_tokens == usage.total_tokens > 0
    assert "".join(chunk.choices[0].text for chunk in chunks) == PROMPT + whole.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"
    await api.check_books()


async def test_errors_are_openais_and_other_endpoints_keys_are_apart(api: RunningApi) -> None:
    async with api.ai() as ai:
        with pytest.raises(openai.BadRequestError) as wrong:
            await ai.completions.create(model="auto", prompt=["a", ""])
        with pytest.raises(openai.NotFoundError):
            await ai.completions.create(model="nothing", prompt="a")
    assert wrong.value.param == "prompt"
    body = {"model": "auto", "prompt": PROMPT, "messages": [{"role": "user", "content": PROMPT}]}
    async with api.http(**{"idempotency-key": "k"}) as http:
        first = await http.post("/v1/completions", json=body)
        again = await http.post("/v1/completions", json=body)
        other = await http.post("/v1/chat/completions", json=body)
    assert (first.status_code, again.content, other.status_code) == (200, first.content, 422)
    await api.check_books()


def test_each_prompt_is_a_question_of_its_own() -> None:
    request = asked(prompt=["a", "b"], n=2, echo=True)
    assert [(chat.id, chat.messages[0].text) for chat in (request.chat, *request.more)] == [("r", "a"), ("r.1", "b")]
    begun = frames(request.encoder().begin("deepseek", "m"))
    assert [(each["choices"][0]["index"], each["choices"][0]["text"]) for each in begun] == [
        (0, "a"),
        (1, "a"),
        (2, "b"),
        (3, "b"),
    ]


async def test_token_ids_are_refused_with_the_reason(api: RunningApi) -> None:
    async with api.ai() as ai:
        for ids in ([1, 2], [[1], [2]]):
            with pytest.raises(openai.BadRequestError, match="token ids are not accepted"):
                await ai.completions.create(model="auto", prompt=ids)
