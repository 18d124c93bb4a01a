"""The call that an attempt makes, its waits in virtual time, and the events that it passes on."""

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from engine.catalog.offers import Offer, Quote, flat_price
from engine.chat import Delta, Options, Usage
from engine.errors import CapabilityMissing, ProviderError, StreamCut, Unreachable, WentSilent
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.attempt import Attempt
from engine.ports import AnswerSink
from engine.providers.mending.json_check import WRONG_FORM
from engine.routing.health import Permit
from engine.routing.plan import Route
from tests.bot.virtual import run
from tests.engine.scripted import (
    END,
    NEVER,
    AnswerSetup,
    ScriptedProvider,
    Step,
    attempt,
    deltas,
    started,
    whole,
)

SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object", "required": ["a"], "properties": {"a": {}}}},
}


class Paced(ScriptedProvider):
    """A provider that waits `gap` seconds before each step."""

    gap = 1.0

    async def _follow(self, script: list[Step], sink: AnswerSink) -> None:
        sink.taken()
        for step in script:
            await asyncio.sleep(self.gap)
            if isinstance(step, Exception):
                raise step
            assert not isinstance(step, asyncio.Event)
            sink.add([step])


def paced(*script: Step, gap: float = 1.0, first: float = 5, idle: float = 5) -> Attempt:
    provider = Paced("one", list(script))
    provider.gap = gap
    return started(AnswerSetup(provider, first=first, idle=idle))


# --- the call -------------------------------------------------------------------------------------------


async def test_call_has_the_request_the_model_the_limit_and_the_key() -> None:
    provider = ScriptedProvider("a", whole("words"))
    setup = AnswerSetup(provider, keys=2)
    for _ in range(2):
        answer, _ = setup.answer(output=77)
        await answer.whole()
    assert {call.request for call in provider.calls} == {setup.question().request}
    assert {(call.model, call.output_tokens, call.caches_prefix) for call in provider.calls} == {("m", 77, False)}
    assert sorted(call.key for call in provider.calls) == [0, 1]


@pytest.mark.parametrize(
    ("dialect", "conversation", "write_usd", "caches"),
    [
        ("anthropic", "c", "1", True),  # writing costs nothing extra
        ("anthropic", "c", "9", False),
        ("anthropic", "", "1", False),
        ("openai", "c", "1", False),  # it caches without being asked
    ],
)
async def test_prefix_is_cached_on_request_where_that_pays(
    dialect: str, conversation: str, write_usd: str, caches: bool
) -> None:
    provider = ScriptedProvider("a", whole("words"), dialect=dialect)
    setup = AnswerSetup(provider)
    setup.route = Route((Quote(Offer("a", "m"), flat_price("1", "2", "0.1", write_usd), 1),), ())
    question = setup.question()
    question = structs.replace(question, request=structs.replace(question.request, conversation=conversation))
    permit = setup.market.health.admit(Offer("a", "m"))
    assert isinstance(permit, Permit)
    await Attempt(setup.market, question, setup.route.quotes[0], permit, 1, 100).outcome()
    assert provider.calls[0].caches_prefix is caches


@pytest.mark.parametrize(
    ("options", "text", "fits"),
    [
        (Options(response_format=SCHEMA), '{"a": 1}', True),
        (Options(response_format=SCHEMA), '{"b": 1}', False),
        (Options(response_format=SCHEMA), "no", False),
        (Options(response_format={"type": "json_object"}), '```json\n{"b": 1}\n```', True),
        (Options(response_format={"type": "json_object"}), "[1]", False),
        (Options(response_format={"type": "json_object"}), "Here it is: {}", False),
        (Options(), "no", True),
    ],
)
async def test_answer_is_checked_if_its_provider_does_not_enforce_its_form(
    options: Options, text: str, fits: bool
) -> None:
    setup = AnswerSetup(ScriptedProvider("a", [Delta(text), END, Usage(1, 1)]))
    question = setup.question(options=options)
    permit = setup.market.health.admit(Offer("a", "m"))
    assert isinstance(permit, Permit)
    error = await Attempt(setup.market, question, setup.route.quotes[0], permit, 1, 100).outcome()
    if fits:
        assert error is None
    else:
        assert isinstance(error, CapabilityMissing)
        assert error.detail == WRONG_FORM


async def test_answer_of_several_choices_may_be_as_long_as_all_of_them() -> None:
    text = "x" * (200_000 + 64 * 150)  # within the spare characters of two choices, over those of one
    made = attempt(Delta(text), END, Delta("y", index=1), replace(END, index=1), n=2, output=100)
    assert await made.outcome() is None


# --- time -----------------------------------------------------------------------------------------------


def test_answer_that_goes_on_is_not_cut_however_long_it_takes() -> None:
    async def work() -> None:
        made = paced(*deltas("w " * 60), END, Usage(1, 60), gap=4, idle=5)
        assert await made.outcome() is None
        assert made.content.deltas == 60

    run(work())


def test_silence_is_noticed_by_a_tenth_later_at_most() -> None:
    async def work() -> None:
        for gap, is_cut in ((4.9, False), (5.6, True)):
            error = await paced(*deltas("a b c"), END, gap=gap, first=20, idle=5).outcome()
            assert isinstance(error, WentSilent) is is_cut

    run(work())


@pytest.mark.parametrize("error", [StreamCut("cut"), Unreachable("gone")])
@pytest.mark.parametrize(("gap", "kind"), [(1, StreamCut), (3, WentSilent)])
def test_cut_after_half_of_the_permitted_silence_counts_as_silence(
    error: ProviderError, gap: float, kind: type[ProviderError]
) -> None:
    async def work() -> None:
        assert type(await paced(*deltas("a b c"), error, gap=gap, idle=5).outcome()) is kind

    run(work())


def test_usage_is_waited_for_briefly_after_the_last_content() -> None:
    async def work() -> None:
        class Late(Paced):
            async def _follow(self, script: list[Step], sink: AnswerSink) -> None:
                await super()._follow(script, sink)
                await asyncio.sleep(100)

        for gap, usage in ((1, Usage(10, 3)), (3, None)):
            provider = Late("one", [*deltas("a"), END, Usage(10, 3)])
            provider.gap = gap
            made = started(AnswerSetup(provider, idle=30))
            began = asyncio.get_running_loop().time()
            assert await made.outcome() is None
            assert made.content.usage == usage
            assert asyncio.get_running_loop().time() - began == pytest.approx(2 * gap + 2)

    run(work())


def test_comments_do_not_prolong_the_wait_for_content() -> None:
    async def work() -> None:
        class Comments(ScriptedProvider):
            async def _follow(self, script: list[Step], sink: AnswerSink) -> None:
                sink.taken()
                sink.add(script)  # type: ignore[arg-type]
                for _ in range(60):
                    await asyncio.sleep(1)
                    sink.add([])

        began = asyncio.get_running_loop().time()
        made = started(AnswerSetup(Comments("one", deltas("a")), idle=5))
        assert isinstance(await made.outcome(), WentSilent)
        assert asyncio.get_running_loop().time() - began == pytest.approx(5.5)

    run(work())


def test_bill_is_waited_for_until_it_comes_or_the_answer_goes_on_or_the_time_is_over() -> None:
    async def waited(*script: Step, seconds: float) -> float:
        made = paced(*script, gap=1, idle=60)
        await asyncio.sleep(1.5)
        began = asyncio.get_running_loop().time()
        await made.bill(seconds)
        took = asyncio.get_running_loop().time() - began
        await made.close()
        return took

    async def work() -> None:
        assert await waited(*deltas("a"), END, Usage(1, 1), seconds=9) == pytest.approx(1.5)
        assert await waited(*deltas("a b c"), seconds=9) == pytest.approx(0.5)
        assert await waited(*deltas("a"), END, seconds=0.25) == pytest.approx(0.25)

    run(work())


# --- events ---------------------------------------------------------------------------------------------


async def test_connection_that_breaks_off_after_content_keeps_its_reason() -> None:
    made = attempt(*deltas("half"), Unreachable("reset by peer"))
    error = await made.outcome()
    assert isinstance(error, StreamCut)
    assert error.detail == "reset by peer"


async def test_reasoning_of_the_next_attempt_is_shown_after_the_first_has_failed() -> None:
    setup = AnswerSetup(
        ScriptedProvider("a", [Delta(thinking="hm"), StreamCut("x")]),
        ScriptedProvider("b", [Delta(thinking="so"), *whole("done")]),
    )
    answer, _ = setup.answer()
    answer.open()
    seen = [event.thinking for event in [each async for each in answer] if isinstance(event, Delta) and event.thinking]
    assert seen[-1] == "so"


async def test_reasoning_after_content_is_an_event_like_content() -> None:
    wait = NEVER()
    stream = AnswerStream()
    setup = AnswerSetup(ScriptedProvider("a", [Delta("a"), Delta(thinking="hm"), wait]))
    made = started(setup, stream=stream)
    assert [await stream.next(), await stream.next()] == [Delta("a"), Delta(thinking="hm")]
    await made.close()


async def test_effort_that_makes_a_model_think_lets_it_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    expected: list[str | None] = []
    setup = AnswerSetup(ScriptedProvider("a", whole("a")))

    def expect(_: Permit, effort: str | None) -> None:
        expected.append(effort)

    monkeypatch.setattr(setup.market.health, "expect_thinking", expect)
    answer, _ = setup.answer(options=Options(reasoning_effort="high"))
    await answer.whole()
    assert expected == ["high"]
