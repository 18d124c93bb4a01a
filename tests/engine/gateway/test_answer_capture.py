"""The capture at the end of an answer, and the void if the capture fails."""

import asyncio

import pytest
from msgspec.structs import replace

from engine.attempt_record import ANSWERED, STOPPED, Receipt
from engine.chat import Usage
from engine.completion import Completion
from engine.errors import HoldLost, Overloaded
from engine.gateway.answer import Answer
from engine.money import Money
from engine.ports import Bill, CaptureStep
from engine.tenancy import Charge
from tests.engine.scripted import NEVER, AnswerSetup, ScriptedHold, ScriptedProvider, cost, deltas, whole


async def test_events_end_with_the_capture() -> None:
    setup = AnswerSetup(ScriptedProvider("one", whole("a")))
    answer, hold = setup.answer()
    async for _ in answer:
        pass
    assert hold.bill is not None
    assert answer.charge.wallet == Money.from_atto(hold.bill.cost_atto)
    with pytest.raises(StopAsyncIteration):
        await anext(answer)


async def test_failed_void_is_the_error_of_the_answer() -> None:
    class Broken(ScriptedHold):
        async def void(self, also: object = None) -> None:  # noqa: ARG002
            raise ConnectionError("database")

    setup = AnswerSetup(ScriptedProvider("one", [Overloaded("x")]))
    _, hold = setup.answer()
    answer = Answer(setup.market, setup.question(), Broken(hold.grant))
    with pytest.raises(ConnectionError):
        await answer.whole()


async def test_failed_capture_voids_the_hold() -> None:
    class Broken(ScriptedHold):
        async def capture(self, bill: object, also: object = None) -> Charge:  # noqa: ARG002
            raise HoldLost("r:1")

    setup = AnswerSetup(ScriptedProvider("one", whole("a")))
    _, hold = setup.answer()
    broken = Broken(hold.grant)
    answer = Answer(setup.market, setup.question(), broken)
    with pytest.raises(HoldLost) as lost:
        await answer.whole()
    assert not lost.value.was_stopped
    assert (broken.voided, answer.completion) == (True, None)
    [record] = setup.journal.records
    assert (record.outcome, record.kept) == (ANSWERED, False)
    assert record.waste == record.cost > Money(0)


async def test_lost_capture_of_a_stopped_answer_is_journaled_with_its_whole_bill() -> None:
    class Broken(ScriptedHold):
        async def capture(self, bill: object, also: object = None) -> Charge:  # noqa: ARG002
            raise HoldLost("r:1")

    setup = AnswerSetup(ScriptedProvider("one", [*deltas("a b"), NEVER()]))
    _, hold = setup.answer()
    answer = Answer(setup.market, setup.question(), Broken(hold.grant))
    await anext(answer)
    answer.stop()
    with pytest.raises(HoldLost) as lost:
        await answer.whole()
    assert lost.value.was_stopped
    [record] = setup.journal.records
    assert (record.outcome, record.kept) == (STOPPED, False)
    assert record.usage is not None
    assert record.waste == cost(record.usage) > Money(0)


async def test_stop_after_the_end_changes_nothing() -> None:
    setup = AnswerSetup(ScriptedProvider("one", whole("a")))
    answer, hold = setup.answer()
    await answer.whole()
    answer.stop()
    answer.abort()
    await answer.leave()
    assert hold.bill is not None
    assert answer.completion is not None
    assert not answer.completion.stopped


async def test_cancelled_leave_waits_for_the_capture_all_the_same() -> None:
    slow = asyncio.Event()

    class Slow(ScriptedHold):
        async def capture(self, bill: Bill, also: CaptureStep | None = None) -> Charge:
            await slow.wait()
            return await super().capture(bill, also)

    setup = AnswerSetup(ScriptedProvider("one", [*deltas("a b"), NEVER()]))
    _, hold = setup.answer()
    captured = Slow(hold.grant)
    answer = Answer(setup.market, setup.question(), captured)
    await anext(answer)
    leaving = asyncio.create_task(answer.leave())
    for _ in range(5):
        await asyncio.sleep(0)
    leaving.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not leaving.done()
    slow.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert captured.bill is not None


async def test_finisher_gets_the_completion_and_its_step_runs_with_the_charge() -> None:
    kept: list[object] = []

    async def finish(completion: Completion, receipt: Receipt) -> CaptureStep:
        kept.extend([completion.text, receipt.request_id])
        return lambda _, charge: kept.append(charge.wallet)

    setup = AnswerSetup(ScriptedProvider("one", whole("a", tokens=(10, 1))))
    _, hold = setup.answer()
    answer = Answer(setup.market, replace(setup.question(), finish=finish), hold)
    await answer.whole()
    assert kept == ["a ", "r", cost(Usage(10, 1))]
