"""Answers that are read on after their readers have left: their records and limits."""

import asyncio

from engine.attempt_record import UNREAD
from engine.chat import Usage
from engine.errors import StreamCut
from engine.gateway.background_reads import BackgroundReads
from tests.engine.scripted import END, NEVER, AnswerSetup, ScriptedProvider, Step, cost, deltas, paid, whole


async def test_stopped_answer_is_read_on_where_closing_does_not_stop_its_bill() -> None:
    go_on = asyncio.Event()
    script = [Usage(10, 1), *deltas("one"), go_on, *deltas("two three four"), END, Usage(10, 40)]
    setup = AnswerSetup(ScriptedProvider("one", script, close_stops_bill=False))
    answer, hold = setup.answer()
    await anext(answer)
    await answer.leave()
    assert paid(hold) == Usage(10, 1)
    assert setup.open == 1
    go_on.set()
    await setup.background_reads_done()
    [rest] = setup.journal.records
    assert (rest.outcome, rest.kept, rest.usage) == (UNREAD, False, Usage(0, 39))
    assert rest.waste == rest.cost == cost(Usage(10, 40)) - cost(Usage(10, 1))
    assert hold.bill is not None
    assert rest.ordinal != hold.bill.attempt.ordinal
    assert setup.open == 0


async def test_answer_left_before_the_first_content_is_waste_beyond_its_input() -> None:
    go_on = asyncio.Event()
    setup = AnswerSetup(ScriptedProvider("one", [go_on, *whole("a b", tokens=(10, 40))], close_stops_bill=False))
    answer, hold = setup.answer()
    await setup.begun()
    await answer.leave()
    go_on.set()
    await setup.background_reads_done()
    [line] = setup.journal.records
    assert (line.outcome, line.waste) == (UNREAD, cost(Usage(10, 40)) - cost(paid(hold)))


async def test_background_read_is_bounded_and_then_estimated() -> None:
    for bound in ("time", "number"):
        setup = AnswerSetup(
            ScriptedProvider("one", [*deltas("one two three"), NEVER()], close_stops_bill=False),
            background_seconds=0.01,
        )
        if bound == "number":
            setup.market.background_reads._most = 0
        answer, hold = setup.answer()
        await anext(answer)
        await answer.leave()
        await setup.background_reads_done()
        assert setup.open == 0
        assert hold.bill is not None
        [rest] = setup.journal.records
        assert rest.usage == Usage(0, 3, estimated=True)


async def test_closing_journals_every_background_read() -> None:
    setup = AnswerSetup(ScriptedProvider("one", [Usage(10, 2), *deltas("one"), NEVER()], close_stops_bill=False))
    answer, _ = setup.answer()
    await anext(answer)
    await answer.leave()
    await setup.market.background_reads.aclose()
    assert setup.open == 0
    assert not setup.market.background_reads.take(asyncio.current_task(), setup.market.background_reads.aclose)  # type: ignore[arg-type]


async def test_failed_background_read_is_still_journaled() -> None:
    go_on = asyncio.Event()
    script: list[Step] = [Usage(10, 1), *deltas("one"), go_on, *deltas("two three"), StreamCut("x")]
    setup = AnswerSetup(ScriptedProvider("one", script, close_stops_bill=False))
    answer, _ = setup.answer()
    await anext(answer)
    await answer.leave()
    go_on.set()
    await setup.background_reads_done()
    [rest] = setup.journal.records
    assert (rest.outcome, rest.usage) == (UNREAD, Usage(0, 3, estimated=True))


async def test_reads_are_taken_up_to_their_number() -> None:
    reads = BackgroundReads(most=1, seconds=5)
    go_on = asyncio.Event()
    done: list[str] = []

    async def journal() -> None:
        done.append("journaled")

    async def read() -> None:
        await go_on.wait()

    tasks = [asyncio.create_task(read()) for _ in range(2)]
    assert [reads.take(task, journal) for task in tasks] == [True, False]
    assert len(reads) == 1
    go_on.set()
    while len(reads):
        await asyncio.sleep(0)
    assert done == ["journaled"]


def never() -> "asyncio.Task[None]":
    """Return an attempt that does not end by itself."""

    async def wait() -> None:
        await asyncio.Event().wait()

    return asyncio.create_task(wait())


async def test_read_is_given_up_and_journaled_when_its_time_is_up() -> None:
    reads, attempt, done = BackgroundReads(seconds=0.01), never(), asyncio.Event()

    async def journal() -> None:
        done.set()

    assert reads.take(attempt, journal)
    async with asyncio.timeout(5):
        await done.wait()
    assert attempt.cancelled()


async def test_closing_journals_the_others_where_one_journal_fails() -> None:
    reads, journaled = BackgroundReads(), list[int]()

    async def fail() -> None:
        raise OSError("disk full")

    async def journal() -> None:
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        journaled.append(task.cancelling())

    for write in (fail, journal):
        assert reads.take(never(), write)
    await asyncio.sleep(0)
    await reads.aclose()
    assert journaled == [0]  # the journal runs in a task that is not cancelled any more
