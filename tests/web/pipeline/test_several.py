"""Several prompts in one request: choices, usage, failures and idempotency."""

import asyncio
from typing import Any

import openai
import pytest

from engine.chat import Delta, Finish, Finished, Usage
from engine.completion import Choice, Completion
from tests.web.conftest import RunningApi
from web.pipeline.several import joined

PROMPTS = ["tell me about the sea, at length", "tell me about the moon, at length", "hello"]


async def charges(api: RunningApi) -> list[int]:
    return [row["charge_nanousd"] + row["allowance_tokens"] for row in await api.rows("SELECT * FROM attempts")]


@pytest.mark.parametrize("n", [1, 2])
async def test_choices_are_in_the_order_of_the_prompts(api: RunningApi, n: int) -> None:
    async with api.ai() as ai:
        singles = [await ai.completions.create(model="auto", prompt=prompt) for prompt in PROMPTS]
        whole = await ai.completions.create(model="seen", prompt=PROMPTS, n=n)
        streamed: dict[int, str] = {}
        stream = await ai.completions.create(
            model="seen", prompt=PROMPTS, n=n, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    for chunk in chunks:
        for choice in chunk.choices:
            streamed[choice.index] = streamed.get(choice.index, "") + choice.text
    assert [choice.index for choice in whole.choices] == list(range(3 * n))
    assert [streamed[choice.index] for choice in whole.choices] == [choice.text for choice in whole.choices]
    for number, single in enumerate(singles):
        quoted = single.choices[0].text.partition(">")[2].partition("\n")[0]
        assert quoted in whole.choices[number * n].text
    assert whole.usage is not None
    assert chunks[-1].usage is not None
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    await api.check_books()


@pytest.mark.parametrize("stream", [False, True])
async def test_failure_of_one_charges_none(api: RunningApi, stream: bool) -> None:
    api.set_mode("cut", "gemini")
    body: dict[str, Any] = {"model": "seen", "prompt": PROMPTS, "stream": stream}
    async with api.http() as http:
        failed = await http.post("/v1/completions", json=body)
    assert failed.status_code in ({200, 503} if stream else {502, 503})
    assert b"nothing was charged" in failed.content
    await api.idle()
    assert not any(await charges(api))
    await api.check_books()


async def test_refusal_of_a_later_prompt_charges_none(api: RunningApi) -> None:
    """The last prompt exceeds the model's context when the ones before it have begun."""
    async with api.http() as http:
        refused = await http.post("/v1/completions", json={"model": "seen", "prompt": ["hello", "a b " * 1_500_000]})
    assert refused.status_code in {400, 402}
    await api.idle()
    assert not any(await charges(api))
    await api.check_books()


@pytest.mark.parametrize("stream", [False, True])
async def test_repeated_key_gets_all_answers_and_is_charged_once(api: RunningApi, stream: bool) -> None:
    body = {"model": "auto", "prompt": PROMPTS, "stream": stream, "stream_options": {"include_usage": True}}
    async with api.http(**{"Idempotency-Key": "k"}) as http:
        first, again = [await http.post("/v1/completions", json=body) for _ in range(2)]
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert len(await charges(api)) == len(PROMPTS)
    await api.check_books()


async def test_reader_who_leaves_pays_for_what_came(api: RunningApi) -> None:
    api.sandbox.stand_ins._word_seconds = 0.02
    async with api.ai() as ai:
        stream = await ai.completions.create(model="auto", prompt=PROMPTS, stream=True)
        async with asyncio.timeout(60):
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].text:
                    break
        await stream.close()
    await api.idle()
    await api.check_books()
    assert await api.rows("SELECT * FROM attempts WHERE outcome = 'stopped'")


def test_joined_answers_have_the_sum_of_their_usage() -> None:
    def answer(text: str) -> Completion:
        events = (Delta(text), Finished(Finish.STOP))
        return Completion("deepseek", "m", (Choice(text, (), Finish.STOP),), Usage(3, 2, 1), events=events)

    found = joined([answer("a"), answer("b")], 1)
    assert [choice.text for choice in found.choices] == ["a", "b"]
    assert found.usage == Usage(6, 4, 2)
    assert found.events == (Delta("a"), Finished(Finish.STOP), Delta("b", 1), Finished(Finish.STOP, 1))


async def test_wrong_prompt_is_named(api: RunningApi) -> None:
    async with api.ai() as ai:
        with pytest.raises(openai.BadRequestError) as refused:
            await ai.completions.create(model="auto", prompt=["a", ""])
    assert refused.value.param == "prompt"
