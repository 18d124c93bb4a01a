"""Forms of usage and ends from public reports: the provider's bytes become usage, cost and end of the answer."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.catalog.offers import Offer, flat_price
from engine.chat import Chunk, Finish, Finished, Usage
from engine.errors import Overloaded, ProviderError
from engine.gateway.attempt_content import AttemptContent
from engine.ports import ProviderCall
from tests.engine.providers.dialects.frames import START, STOP, ended, frame, said
from tests.engine.providers.dialects.wires import ASKED, Wire, data
from tests.engine.providers.reading import ChunkSink

PRICE = flat_price("1", "2", "0.1")


class _Into(ChunkSink):
    def __init__(self, content: AttemptContent) -> None:
        super().__init__()
        self._content = content

    def add(self, chunks: Sequence[Chunk]) -> None:
        self._content.add_all(chunks)


async def kept(name: str, body: str) -> AttemptContent:
    """Return the content of an attempt; an error after a complete answer changes nothing."""
    made, wire = AttemptContent(Offer(name, "m"), 1, 1000), Wire(name, body)
    try:
        await wire.provider.stream(ProviderCall(ASKED, wire.model, 100), _Into(made))
    except ProviderError:
        if not made.is_whole:
            raise
    made.finish()
    return made


def said_so(finish: str | None = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": "It is 4."}, "finish_reason": finish}], **more}


def counted(prompt: int = 10, completion: int = 5, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


ZEROS = {"choices": [], "usage": counted(0, 0, total_tokens=0)}
XAI = counted(10, 5, total_tokens=45, completion_tokens_details={"reasoning_tokens": 30})
HITS = counted(prompt_cache_hit_tokens=9, prompt_cache_miss_tokens=1, prompt_tokens_details={"cached_tokens": 0})


@pytest.mark.parametrize(
    ("frames", "expected", "cost_atto"),
    [
        ([said_so(usage=counted(total_tokens=15))], Usage(10, 5), 20 * 10**12),
        ([said_so(), {"choices": [], "usage": counted()}, ZEROS], Usage(10, 5), 20 * 10**12),
        ([said_so(usage=counted()), {"choices": [], "usage": None}], Usage(10, 5), 20 * 10**12),
        ([said_so(usage=counted(10, 1)), {"choices": [], "usage": counted()}], Usage(10, 5), 20 * 10**12),
        (
            [said_so(usage=counted()), {"usage": {"completion_tokens_details": {"reasoning_tokens": 2}}}],
            Usage(10, 5, reasoning_tokens=2),
            20 * 10**12,
        ),
        ([{"choices": [{**said_so()["choices"][0], "usage": counted()}]}], Usage(10, 5), 20 * 10**12),
        ([said_so(x_groq={"usage": counted()}), ZEROS], Usage(10, 5), 20 * 10**12),
        ([said_so(usage=counted(total_tokens=20))], Usage(10, 10, is_disputed=True), 30 * 10**12),
        ([said_so(usage=counted(total_tokens=9))], Usage(10, 5, is_disputed=True), 20 * 10**12),
        ([said_so(usage=XAI)], Usage(10, 35, reasoning_tokens=30, is_disputed=True), 80 * 10**12),
        ([said_so(usage=HITS)], Usage(10, 5, 9), 11_900_000_000_000),
    ],
)  # fmt: skip
async def test_reported_counts_are_booked(frames: list[Any], expected: Usage, cost_atto: int) -> None:
    made = await kept("groq", data(*frames, "[DONE]"))
    assert made.usage == expected
    assert PRICE.cost_atto(made.usage) == cost_atto


async def test_counts_of_claude_and_gemini_are_not_replaced_by_zero() -> None:
    claude = START + said("It is 4.") + ended("end_turn", input_tokens=0, output_tokens=5) + STOP
    assert (await kept("anthropic", claude)).usage == Usage(9, 5)
    reports: list[dict[str, int]] = [
        {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "totalTokenCount": 18},
        {"promptTokenCount": 10, "thoughtsTokenCount": 3, "totalTokenCount": 18},
    ]
    gemini = data(*(frame("It", usageMetadata=report) for report in reports), frame(finish="STOP"))
    assert (await kept("gemini", gemini)).usage == Usage(10, 8, reasoning_tokens=3)
    total = {"promptTokenCount": 10, "totalTokenCount": 18}
    assert (await kept("gemini", data(frame("It", finish="STOP", usageMetadata=total)))).usage == Usage(
        10, 8, is_disputed=True
    )


WHOLE = data(said_so(usage=counted()))


@pytest.mark.parametrize(
    "end",
    [
        "data: [DONE]\n\n",
        "data:[DONE]\n\n",
        "data: [DONE] \n\n",
        "data:   [DONE]   \n\ndata: [DONE]\n\n",
        "data: \n\ndata: [DONE]\n\n",
        "",
        "data: {not json\n\n",
        "data: oops\n\ndata: [DONE]\n\n",
        'data: {"error": {"message": "boom", "code": 500}}\n\n',
        'event: error\ndata: {"message": "boom"}\n\n',
        "<html>bad gateway</html>",
        data(said_so("error")),
        data(ZEROS, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    ],
)
async def test_nothing_after_a_whole_answer_takes_it_away(end: str) -> None:
    made = await kept("openai", WHOLE + end)
    assert (made.events[-1], made.usage) == (Finished(Finish.STOP), Usage(10, 5))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", Finish.STOP),
        ("end_turn", Finish.STOP),
        ("eos", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("MAX_TOKENS", Finish.LENGTH),
        ("Length", Finish.LENGTH),
        ("sensitive", Finish.REFUSED),
        ("refusal", Finish.REFUSED),
        ("tool_calls", Finish.STOP),  # although there are no calls
        ("a_reason_of_tomorrow", Finish.STOP),
    ],
)
async def test_end_is_read_in_the_words_of_any_provider(reason: str, finish: Finish) -> None:
    made = await kept("local", data(said_so(reason), "[DONE]"))
    assert made.events[-1] == Finished(finish)


@pytest.mark.parametrize("reason", ["abort", "network_error", "error", "insufficient_system_resource", "ERROR"])
async def test_broken_half_is_never_sold_as_whole(reason: str) -> None:
    with pytest.raises(Overloaded):
        await kept("local", data(said_so(reason), "[DONE]"))


async def test_cut_that_a_reseller_calls_a_stop_is_a_cut() -> None:
    body = said_so()
    body["choices"][0]["native_finish_reason"] = "MAX_TOKENS"
    assert (await kept("openrouter", data(body, "[DONE]"))).events[-1] == Finished(Finish.LENGTH)


async def test_content_after_the_end_is_kept() -> None:
    made = await kept("openai", data(said_so(), said_so(None), "[DONE]"))
    assert made.events[-1] == Finished(Finish.STOP)
    assert len(made.events) == 3
