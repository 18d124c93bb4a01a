"""One call of a provider: its task and its timeouts."""

import asyncio
import itertools

import pytest
from msgspec.structs import replace

from engine.catalog.offers import Offer
from engine.chat import Delta, Finish, Finished, Options, Served, Usage
from engine.errors import (
    FirstTokenLate,
    Garbled,
    Overloaded,
    ProviderError,
    RequestFault,
    StreamCut,
    Unreachable,
    WentSilent,
)
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.attempt import Attempt, ended, uninterrupted
from engine.gateway.attempt_content import text_of
from engine.ports import AnswerSink
from engine.routing.health import Permit
from tests.bot.virtual import run
from tests.engine.scripted import END, NEVER, AnswerSetup, ScriptedProvider, Step, attempt, deltas, started, whole


async def test_answered_attempt_has_its_content_and_usage() -> None:
    made = attempt(*whole("a b", tokens=(7, 2)))
    assert await made.outcome() is None
    assert text_of(made.content.events) == "a b "
    assert made.content.events[-1] == END
    assert made.usage() == Usage(7, 2)
    assert not made.has_failed


async def test_cancelled_waiter_does_not_cancel_the_attempt() -> None:
    go_on = asyncio.Event()
    made = attempt(go_on, *whole("a"))
    waiter = asyncio.create_task(made.outcome())
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.wait({waiter})
    go_on.set()
    assert await made.outcome() is None


async def test_closed_attempt_has_closed_its_connection() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [*deltas("a"), NEVER()]))
    made = started(setup, stream=AnswerStream())
    assert await made.shown_or_done()
    assert setup.open == 1
    await made.close()
    assert (setup.open, made.task.cancelled(), made.stream) == (0, True, None)


async def test_error_that_is_no_providers_is_raised() -> None:
    made = attempt(KeyError("x"))
    with pytest.raises(KeyError):
        await made.outcome()


@pytest.mark.parametrize("error", [StreamCut("x"), Garbled("x")])
async def test_error_before_the_end_is_the_outcome_and_the_content_stays(error: Exception) -> None:
    made = attempt(*deltas("a"), error)
    assert await made.outcome() is error
    assert made.has_failed
    assert made.content.events == [Delta("a ")]


async def test_nothing_in_time_is_a_late_first_token() -> None:
    error = await attempt(NEVER(), first=0.01).outcome()
    assert isinstance(error, FirstTokenLate)
    assert error.detail == "nothing for 0.01 s"


@pytest.mark.parametrize("piece", [Delta("a"), Delta(thinking="hm")])
async def test_silence_after_content_or_reasoning_is_silence(piece: Delta) -> None:
    error = await attempt(piece, NEVER(), idle=0.01).outcome()
    assert isinstance(error, WentSilent)
    assert error.detail == "nothing for 0.01 s"


@pytest.mark.parametrize("piece", [Usage(1, 1), Served("m")])
async def test_usage_and_served_model_are_no_sign_of_life(piece: Usage | Served) -> None:
    assert isinstance(await attempt(piece, NEVER(), first=0.01, idle=5).outcome(), FirstTokenLate)


@pytest.mark.parametrize("last", [NEVER(), Unreachable("reset"), Garbled("x"), Overloaded("x"), RequestFault("x")])
async def test_whole_answer_needs_no_end_marker(last: Step) -> None:
    made = attempt(*deltas("a"), END, last, idle=0.01)
    assert await made.outcome() is None
    assert made.content.events == [Delta("a "), END]


async def test_answer_with_a_choice_missing_is_not_whole() -> None:
    made = attempt(Delta("a"), Finished(Finish.STOP), Unreachable("reset"), n=2)
    assert isinstance(await made.outcome(), StreamCut)


async def test_choice_beyond_those_asked_for_is_garbled() -> None:
    assert isinstance(await attempt(Delta("a", 2), n=2).outcome(), Garbled)
    assert await attempt(Delta("a", 1), END, Finished(Finish.STOP, 1), n=2).outcome() is None


async def test_first_content_shows_the_attempt_and_detaches_its_rivals() -> None:
    go_on, stream = asyncio.Event(), AnswerStream()
    setup = AnswerSetup(ScriptedProvider("one", [go_on, *whole("a")]), ScriptedProvider("two", [go_on, *whole("b")]))
    one, two = started(setup, stream=stream), started(setup, stream=stream, number=1)
    one.rivals, two.rivals = (two,), (one,)
    go_on.set()
    assert [await one.outcome(), await two.outcome()] == [None, None]
    assert (one.is_shown, two.is_shown, two.stream) == (True, False, None)
    assert stream.offer == Offer("one", "m")
    assert text_of(two.content.events) == "b "


async def test_detached_attempt_goes_on_unseen() -> None:
    go_on, stream = asyncio.Event(), AnswerStream()
    made = started(AnswerSetup(ScriptedProvider("one", [go_on, *whole("a")])), stream=stream)
    made.detach()
    go_on.set()
    assert await made.outcome() is None
    assert (stream.has_begun, made.is_shown) == (False, False)


async def test_waiting_for_content_ends_with_content_the_end_or_the_time() -> None:
    shown = started(AnswerSetup(ScriptedProvider("one", [*deltas("a"), NEVER()])), stream=AnswerStream())
    failed, silent = attempt(Overloaded("x")), attempt(NEVER())
    assert await shown.shown_or_done()
    assert await failed.shown_or_done()
    assert failed.has_failed
    assert not await silent.shown_or_done(0)
    for each in (shown, silent):
        await each.close()


async def test_refusal_without_content_has_no_first_token() -> None:
    made = attempt(Finished(Finish.REFUSED), Usage(5, 0))
    assert await made.outcome() is None
    assert (made.first_token_ms, made.content.events) == (None, [Finished(Finish.REFUSED)])


async def test_attempt_that_only_ever_reasons_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(ScriptedProvider):
        async def _follow(self, script: list[Step], sink: AnswerSink) -> None:
            sink.taken()
            for step in itertools.cycle(script):
                await asyncio.sleep(0)
                assert isinstance(step, Delta)
                sink.add([step])

    monkeypatch.setattr("engine.gateway.attempt.LONGEST_SECONDS", 0.02)
    made = started(AnswerSetup(Endless("one", [Delta(thinking="hm")])))
    async with asyncio.timeout(60):
        assert isinstance(await made.outcome(), WentSilent)


@pytest.mark.parametrize(
    ("model", "effort", "seconds"),
    [("m", None, 20), ("m", "minimal", 20), ("m", "high", 120), ("gpt-5-nano", None, 120)],
)
def test_first_token_is_waited_for_longer_where_the_model_thinks(
    model: str, effort: str | None, seconds: float
) -> None:
    async def scenario() -> tuple[float, str]:
        setup = AnswerSetup(ScriptedProvider("one", [NEVER()]), first=20)
        question = setup.question()
        options = Options(reasoning_effort=effort)
        question = replace(question, request=replace(question.request, options=options))
        quote = question.route.quotes[0]._replace(offer=Offer("one", model))
        permit = setup.market.health.admit(quote.offer)
        assert isinstance(permit, Permit)
        begun = asyncio.get_running_loop().time()
        error = await Attempt(setup.market, question, quote, permit, 1, 100).outcome()
        assert isinstance(error, FirstTokenLate)
        return asyncio.get_running_loop().time() - begun, error.detail

    waited, detail = run(scenario())
    assert waited == pytest.approx(seconds, abs=0.1)
    assert detail == f"nothing for {seconds} s"


async def test_end_of_a_task_is_waited_for_also_after_it() -> None:
    go_on = asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    task = asyncio.create_task(wait())
    waiters = [asyncio.create_task(ended(task)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not waiters[0].done()
    go_on.set()
    await asyncio.gather(*waiters)
    assert task.done()
    await ended(task)


async def test_uninterrupted_ends_quietly_where_its_task_was_cancelled() -> None:
    task = asyncio.create_task(asyncio.Event().wait())
    asyncio.get_running_loop().call_soon(task.cancel)
    await uninterrupted(task)  # type: ignore[arg-type]


async def test_uninterrupted_raises_the_error_of_its_task() -> None:
    async def fail() -> None:
        raise ProviderError("x")

    with pytest.raises(ProviderError):
        await uninterrupted(asyncio.create_task(fail()))
