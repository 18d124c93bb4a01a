"""The events that a reader takes from one attempt after another."""

import asyncio

import pytest
import uvloop

from engine.catalog.offers import Offer
from engine.chat import Delta, Restart
from engine.gateway.answer_stream import AnswerStream, StreamEnd
from engine.gateway.attempt_content import AttemptContent

ONE, TWO = Offer("one", "m"), Offer("two", "m")


def content(offer: Offer = ONE, *texts: str) -> AttemptContent:
    made = AttemptContent(offer, 1, 1000)
    for text in texts:
        assert made.add(Delta(text))
    return made


def shown(*contents: AttemptContent) -> AnswerStream:
    stream = AnswerStream()
    for each in contents:
        stream.show(each)
    return stream


async def test_events_are_delivered_in_order_and_then_the_end() -> None:
    stream = shown(content(ONE, "a", "b"))
    stream.end(None)
    assert [await stream.next() for _ in range(4)] == [Delta("a"), Delta("b"), StreamEnd(), StreamEnd()]


async def test_next_events_are_all_that_have_come_or_nothing_in_time() -> None:
    stream, content = AnswerStream(), AttemptContent(Offer("p", "m"), 1, 100)
    assert await stream.next_events(9, 0.001) is None
    content.add_all([Delta("one"), Delta("two"), Delta("three")])
    stream.show(content)
    waiting = asyncio.create_task(stream.next_events(2, 5))
    assert await waiting == [Delta("one"), Delta("two")]
    assert await stream.next_events(2, 0.001) == [Delta("three")]
    waiting = asyncio.create_task(stream.next_events(2, 5))
    await asyncio.sleep(0)
    stream.notify()  # without a new event
    await asyncio.sleep(0)
    assert not waiting.done()
    stream.end(None)
    assert await waiting == StreamEnd()
    assert await stream.next_events(2, 5) == StreamEnd()


@pytest.mark.parametrize("seconds", [0.0, 0.0003, 0.0014, 0.0101])
def test_wait_for_events_ends_on_a_loop_that_rounds_to_milliseconds(seconds: float) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        waited = asyncio.wait_for(AnswerStream().next_events(1, seconds), 5)
        assert runner.run(waited) is None


async def test_reader_that_waits_is_woken_by_the_next_event() -> None:
    made = content()
    stream = shown(made)
    waiting = asyncio.create_task(stream.next())
    await asyncio.sleep(0)
    made.add(Delta("a"))
    stream.notify()
    assert await waiting == Delta("a")
    waiting = asyncio.create_task(stream.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    stream.end(None)
    assert await waiting == StreamEnd()


async def test_cancelled_wait_takes_no_event() -> None:
    made = content()
    stream = shown(made)
    waiting = asyncio.create_task(stream.next())
    await asyncio.sleep(0)
    made.add(Delta("a"))
    stream.notify()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert list(stream.taken(made)) == []
    assert await stream.next() == Delta("a")


async def test_taken_events_are_those_that_the_reader_took() -> None:
    made = content(ONE, "a", "b")
    stream = AnswerStream()
    assert list(stream.taken(made)) == []
    stream.show(made)
    assert list(stream.taken(made)) == []
    await stream.next()
    assert list(stream.taken(made)) == [Delta("a")]
    assert list(stream.taken(content(TWO, "a"))) == []


async def test_events_after_a_restart_count_only_once_the_restart_is_taken() -> None:
    first, second = content(ONE, "a", "b"), content(TWO, "c")
    stream = shown(first)
    await stream.next()
    stream.show(second)
    assert stream.offer == TWO
    assert list(stream.taken(second)) == []
    assert [await stream.next() for _ in range(2)] == [Delta("b"), Restart("two", "m")]
    assert list(stream.taken(first)) == list(stream.taken(second)) == []
    assert await stream.next() == Delta("c")
    assert list(stream.taken(second)) == [Delta("c")]


async def test_frozen_stream_delivers_only_its_end() -> None:
    made = content(ONE, "a", "b")
    stream = shown(made)
    await stream.next()
    stream.freeze()
    stream.end(None)
    assert await stream.next() == StreamEnd()
    assert list(stream.taken(made)) == [Delta("a")]


async def test_waiting_for_the_end_takes_nothing() -> None:
    made = content(ONE, "a")
    stream = shown(made)
    waiting = asyncio.create_task(stream.last())
    await asyncio.sleep(0)
    stream.notify()
    await asyncio.sleep(0)
    assert not waiting.done()
    stream.end(error := RuntimeError("x"))
    assert await waiting == StreamEnd(error)
    assert list(stream.taken(made)) == []


def test_stream_has_begun_with_its_first_content() -> None:
    stream = AnswerStream()
    assert (stream.has_begun, stream.offer) == (False, None)
    stream.show(content())
    assert (stream.has_begun, stream.offer) == (True, ONE)


def thought(offer: Offer, *texts: str) -> AttemptContent:
    made = AttemptContent(offer, 1, 1000)
    for text in texts:
        made.add(Delta(thinking=text))
    return made


async def nothing_to_take(stream: AnswerStream) -> bool:
    waiting = asyncio.create_task(stream.next())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    return waiting.cancelled()


async def test_reasoning_is_held_back_until_the_content_after_it() -> None:
    stream, made = AnswerStream(), thought(ONE, "hm")
    stream.show_thinking(made)
    assert await nothing_to_take(stream)
    assert (stream.has_begun, stream.offer) == (False, None)
    made.add(Delta("a"))
    stream.show(made)
    assert [await stream.next() for _ in range(2)] == [Delta(thinking="hm"), Delta("a")]


@pytest.mark.parametrize("opened_first", [True, False])
async def test_reasoning_is_passed_on_as_it_comes_once_the_stream_is_open(opened_first: bool) -> None:
    stream, made = AnswerStream(), thought(ONE, "hm")
    if opened_first:
        stream.open()
    stream.show_thinking(made)
    if not opened_first:
        stream.open()
    assert await stream.next() == Delta(thinking="hm")
    assert (stream.has_begun, stream.offer) == (False, ONE)
    made.add(Delta(thinking="so"))
    stream.show_thinking(made)
    made.add(Delta("a"))
    stream.show(made)
    assert [await stream.next() for _ in range(2)] == [Delta(thinking="so"), Delta("a")]
    assert stream.has_begun


async def test_attempt_that_failed_after_reasoning_alone_is_followed_without_a_restart() -> None:
    stream, failed, second = AnswerStream(), thought(ONE, "hm", "never taken"), thought(TWO, "so")
    stream.open()
    stream.show_thinking(failed)
    assert await stream.next() == Delta(thinking="hm")
    stream.withdraw(failed)
    stream.show_thinking(second)
    second.add(Delta("a"))
    stream.show(second)
    assert [await stream.next() for _ in range(2)] == [Delta(thinking="so"), Delta("a")]
    assert list(stream.taken(second)) == second.events


async def test_reasoning_of_one_attempt_at_a_time_is_passed_on() -> None:
    stream, one, other = AnswerStream(), thought(ONE, "hm"), thought(TWO, "so")
    stream.open()
    for made in (one, other):
        stream.show_thinking(made)
    assert await stream.next() == Delta(thinking="hm")
    assert await nothing_to_take(stream)
    other.add(Delta("a"))
    stream.show(other)
    one.add(Delta("late"))
    stream.withdraw(one)
    stream.show_thinking(one)
    stream.end(None)
    assert [await stream.next() for _ in range(3)] == [Delta(thinking="so"), Delta("a"), StreamEnd()]


async def test_ready_events_are_taken_without_waiting_and_up_to_a_number() -> None:
    made = content(ONE, "a", "b", "c")
    stream = shown(made)
    assert stream.take_ready(2) == [Delta("a"), Delta("b")]
    assert list(stream.taken(made)) == [Delta("a"), Delta("b")]
    assert stream.take_ready(2) == [Delta("c")]
    assert stream.take_ready(2) == []
    stream.end(None)
    assert stream.take_ready(2) == []
    assert await stream.next() == StreamEnd()
