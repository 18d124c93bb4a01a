"""Content of an attempt put together, and the part of it that a reader took."""

import asyncio

import pytest

from engine.catalog.offers import Offer
from engine.chat import Choice, Chunk, Delta, Finish, Finished, Restart, Served, ToolCall, ToolCallDelta, Usage
from engine.errors import EmptyAnswer, Garbled
from engine.gateway.answer_stream import (
    MOST_CHARS,
    MOST_NAME_CHARS,
    AnswerStream,
    AttemptContent,
    StreamEnd,
    choices_of,
    text_of,
)

ONE, TWO = Offer("one", "m"), Offer("two", "m")


def content(offer: Offer = ONE, *texts: str, choices: int = 1, most_tokens: int = 1000) -> AttemptContent:
    made = AttemptContent(offer, choices, most_tokens)
    for text in texts:
        assert made.add(Delta(text))
    return made


def shown(*contents: AttemptContent) -> AnswerStream:
    stream = AnswerStream()
    for each in contents:
        stream.show(each)
    return stream


def test_pieces_become_choices_with_their_calls() -> None:
    made = content(choices=2)
    pieces = (
        Delta("a"),
        Delta("x", 1),
        Delta("b", 0, (ToolCallDelta(1, "d", "find"), ToolCallDelta(0, "c", "look", '{"a"'))),
        Delta("", 0, (ToolCallDelta(0, "other", "", ": 1}"),)),
    )
    assert all(made.add(piece) for piece in pieces)
    assert not made.add(Finished(Finish.LENGTH, 1))
    made.finish()
    first, second = choices_of(made.events)
    assert (first.text, first.tool_calls) == ("ab", (ToolCall("c", "look", '{"a": 1}'), ToolCall("d", "find", "")))
    assert (second.text, second.finish) == ("x", Finish.LENGTH)
    assert made.events[-2:] == [Finished(Finish.TOOL_CALLS, 0), Finished(Finish.LENGTH, 1)]
    assert sorted(text_of(made.events)) == sorted('axb{"a": 1}')


def test_choice_that_ended_without_content_is_there_and_empty() -> None:
    assert choices_of([Finished(Finish.LENGTH, 1)]) == (Choice(""), Choice("", (), Finish.LENGTH))
    assert choices_of([]) == ()


def test_first_ending_of_a_choice_counts() -> None:
    made = content(ONE, "a")
    made.add(Finished(Finish.LENGTH))
    made.add(Finished(Finish.STOP))
    made.finish()
    assert made.events[1:] == [Finished(Finish.LENGTH)]


def test_choice_without_a_reported_end_is_finished_by_its_content() -> None:
    made = content(ONE, "a")
    made.finish()
    assert made.events[1:] == [Finished(Finish.STOP)]


def test_answer_is_whole_when_every_choice_has_ended_with_content_or_a_refusal() -> None:
    half, whole = content(ONE, "a", choices=2), content(ONE, "a", choices=2)
    for made, ended in ((half, (0,)), (whole, (0, 1))):
        for index in ended:
            made.add(Finished(Finish.STOP, index))
    assert (half.is_whole, whole.is_whole) == (False, True)
    empty, refused = content(), content()
    empty.add(Finished(Finish.STOP))
    refused.add(Finished(Finish.REFUSED))
    assert (empty.is_whole, refused.is_whole) == (False, True)


def test_reasoning_usage_and_served_model_are_no_content() -> None:
    made = content()
    for chunk in (Delta(thinking="hm"), Usage(1, 2), Served("other"), Delta(logprobs={})):
        assert not made.add(chunk)
    assert (made.events, made.usage, made.served) == ([], Usage(1, 2), "other")


@pytest.mark.parametrize("index", [-1, 1, 10**9])
def test_choice_that_was_not_asked_for_is_garbled(index: int) -> None:
    for chunk in (Delta("x", index), Finished(Finish.STOP, index)):
        with pytest.raises(Garbled):
            content().add(chunk)


def test_content_above_any_answer_is_garbled() -> None:
    made = content(most_tokens=10**9)
    made.add(Delta("x" * (MOST_CHARS - 8)))
    with pytest.raises(Garbled):
        made.add(Delta("x"))


def test_content_far_beyond_its_limit_of_tokens_is_garbled() -> None:
    made = content(ONE, "x" * 200_000)
    with pytest.raises(Garbled):
        made.add(Delta("x" * 100_000))


def test_many_tiny_events_are_garbled_before_they_fill_the_memory() -> None:
    made = content(most_tokens=1)
    for _ in range(22_229):
        made.add(Delta("x"))
    with pytest.raises(Garbled):
        made.add(Delta("x"))


def test_tool_calls_and_reasoning_without_an_end_are_garbled() -> None:
    calls = tuple(ToolCallDelta(n) for n in range(10_000))
    with pytest.raises(Garbled):
        content().add(Delta("", 0, calls))
    made = content()
    made.add(Delta(thinking="x" * MOST_CHARS))
    with pytest.raises(Garbled):
        made.add(Delta(thinking="x"))


def test_name_of_the_served_model_is_cut() -> None:
    made = content()
    made.add(Served("m" * 1_000_000))
    assert len(made.served) == MOST_NAME_CHARS


async def test_events_are_delivered_in_order_and_then_the_end() -> None:
    stream = shown(content(ONE, "a", "b"))
    stream.end(None)
    assert [await stream.next() for _ in range(4)] == [Delta("a"), Delta("b"), StreamEnd(), StreamEnd()]


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


@pytest.mark.parametrize(
    "chunks",
    [
        [Finished(Finish.LENGTH)],
        [Finished(Finish.STOP, at_stop_sequence=True)],
        [Delta(thinking="hm"), Finished(Finish.STOP)],
        [Usage(5, 5, reasoning_tokens=5), Finished(Finish.STOP)],
    ],
)
def test_end_without_content_is_whole_for_a_reason(chunks: list[Chunk]) -> None:
    made = content()
    assert not any(made.add(chunk) for chunk in chunks)
    assert made.is_whole
    made.finish()
    assert made.events == chunks[-1:]


def test_end_without_content_or_reason_is_empty() -> None:
    made = content()
    made.add(Finished(Finish.STOP))
    made.add(Usage(5, 5))
    assert not made.is_whole
    with pytest.raises(EmptyAnswer):
        made.finish()
    with pytest.raises(EmptyAnswer):
        content().finish()
