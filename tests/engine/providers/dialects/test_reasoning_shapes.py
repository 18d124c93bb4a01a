"""Forms of reasoning from public reports: the provider's bytes become separate reasoning and answer."""

import json
from typing import Any

import pytest

from engine.catalog.offers import Offer
from engine.chat import Chunk, Delta, Finish
from engine.completion import Choice
from engine.gateway.attempt_content import AttemptContent, choices_of
from tests.engine.providers.dialects.frames import START, STOP, ended, event, frame, said
from tests.engine.providers.dialects.wires import Wire, data


def choice(chunks: list[Chunk]) -> Choice:
    made = AttemptContent(Offer("p", "m"), 1, 100)
    for chunk in chunks:
        made.add(chunk)
    made.finish()
    [found] = choices_of(made.events)
    return found


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def parts(*texts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in texts]


LAST = delta("stop", content="It is 4.")


@pytest.mark.parametrize(
    "frames",
    [
        [delta(reasoning_content="let me "), delta(reasoning_content="see"), LAST],
        [delta(reasoning="let me "), delta(reasoning="see", reasoning_content="see"), LAST],
        [delta(reasoning="let me see", reasoning_details=[{"type": "reasoning.text", "text": "let me see"}]), LAST],
        [delta(reasoning_details=[{"type": "reasoning.text", "text": "let me see"}]), LAST],
        [delta(reasoning_details=[{"type": "reasoning.summary", "summary": "let me see"}]), LAST],
        [delta(thinking="let me see"), LAST],
        [delta(content=[{"type": "thinking", "thinking": parts("let me ", "see")}]), LAST],
        [
            delta(content=[{"type": "thinking", "thinking": "let me see"}, *parts("It is ")]),
            delta("stop", content="4."),
        ],
        [delta(content="<th"), delta(content="ink>let me"), delta(content=" see</thi"), delta(content="nk>\n\n"), LAST],
        [delta(content="<think>let me see</think>It is "), delta("stop", content=parts("4."))],
    ],
)
async def test_reasoning_in_any_field_is_apart_from_the_answer(frames: list[Any]) -> None:
    for name in ("local", "openrouter", "mistral"):
        found = choice(await Wire(name, data(*frames, "[DONE]")).chunks())
        assert found == Choice("It is 4.", (), Finish.STOP, "let me see")


@pytest.mark.parametrize(
    "content",
    [
        "<think>let me see</think>It is 4.",
        [{"type": "thinking", "thinking": parts("let me see")}, *parts("It is 4.")],
    ],
)
async def test_reasoning_of_a_whole_answer_is_apart_too(content: Any) -> None:
    body = {"object": "chat.completion", "choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    assert choice(await Wire("local", json.dumps(body)).chunks()) == Choice("It is 4.", (), Finish.STOP, "let me see")


@pytest.mark.parametrize("model", ["deepseek-r1:8b", "qwen3:8b"])
async def test_reasoning_without_an_opening_tag_is_waited_for_on_own_servers(model: str) -> None:
    texts = ["Let me", " see", ".</th", "ink>\n", "It is", " 4."]
    body = data(*(delta(content=text) for text in texts), delta("stop"), "[DONE]")
    wire = Wire("local", body, model=model)
    chunks = await wire.chunks()
    assert choice(chunks) == Choice("It is 4.", (), Finish.STOP, "Let me see.")
    assert all(isinstance(chunk, Delta) for chunk in chunks[:3])  # signs of life
    assert choice(await Wire("groq", body, model=model).chunks()).thinking == ""


async def test_model_that_turned_out_to_think_so_is_waited_for_from_then_on() -> None:
    wire = Wire("local", data(delta(content="Let me see.</think>It"), delta("stop", content=" is 4."), "[DONE]"))
    assert choice(await wire.chunks()).thinking == "Let me see."
    split = Wire("local", data(delta(content="Let me"), delta("stop", content=" see.</think>It is 4."), "[DONE]"))
    split.provider._habits = wire.provider._habits  # type: ignore[attr-defined]
    assert choice(await split.chunks()) == Choice("It is 4.", (), Finish.STOP, "Let me see.")


async def test_hidden_reasoning_is_life_and_an_answer_but_no_text() -> None:
    hidden = delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "opaque"}])
    chunks = await Wire("openrouter", data(hidden, delta("stop"), "[DONE]")).chunks()
    assert [chunk.is_thinking for chunk in chunks if isinstance(chunk, Delta)] == [True]
    assert choice(chunks) == Choice("", (), Finish.STOP)
    redacted = event("content_block_start", index=0, content_block={"type": "redacted_thinking", "data": "opaque"})
    assert choice(await Wire("anthropic", START + redacted + ended("end_turn") + STOP).chunks()).thinking == ""


async def test_thinking_of_claude_comes_with_its_signature() -> None:
    def piece(**fields: str) -> str:
        return event("content_block_delta", index=0, delta=fields)

    thinking = piece(type="thinking_delta", thinking="let me ") + piece(type="thinking_delta", thinking="see")
    signed = thinking + piece(type="signature_delta", signature="sig")
    block = event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""})
    body = START + block + signed + said("It is 4.", 1) + ended("end_turn", output_tokens=9) + STOP
    expected = Choice("It is 4.", (), Finish.STOP, "let me see", "sig")
    assert choice(await Wire("anthropic", body).chunks()) == expected
    content = [{"type": "thinking", "thinking": "let me see", "signature": "sig"}, {"type": "text", "text": "It is 4."}]
    whole = {"type": "message", "model": "m", "stop_reason": "end_turn", "content": content}
    assert choice(await Wire("anthropic", json.dumps(whole)).chunks()) == expected


async def test_thoughts_of_gemini_are_reasoning() -> None:
    body = data(frame({"text": "let me see", "thought": True}), frame("It is 4.", finish="STOP"))
    assert choice(await Wire("gemini", body).chunks()) == Choice("It is 4.", (), Finish.STOP, "let me see")
