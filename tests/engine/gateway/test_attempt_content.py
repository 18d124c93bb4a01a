"""Events of an attempt combined to choices, and the ends that make an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.offers import Offer
from engine.chat import Chunk, Delta, Finish, Finished, Served, TextDeltas, ToolCall, ToolCallDelta, Usage
from engine.completion import Choice
from engine.errors import EmptyAnswer, Garbled
from engine.gateway.attempt_content import MOST_CHARS, MOST_NAME_CHARS, AttemptContent, choices_of, text_of, thinking_of

ONE = Offer("one", "m")


def content(offer: Offer = ONE, *texts: str, choices: int = 1, most_tokens: int = 1000) -> AttemptContent:
    made = AttemptContent(offer, choices, most_tokens)
    for text in texts:
        assert made.add(Delta(text))
    return made


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


@pytest.mark.parametrize(
    ("ends", "finish"),
    [
        ((Finish.LENGTH, Finish.STOP), Finish.LENGTH),
        ((Finish.STOP, Finish.LENGTH), Finish.LENGTH),
        ((Finish.LENGTH, Finish.REFUSED), Finish.REFUSED),
        ((Finish.REFUSED, Finish.LENGTH), Finish.REFUSED),
        ((Finish.STOP, Finish.STOP), Finish.STOP),
    ],
)
def test_of_several_ends_of_a_choice_none_hides_a_cut_or_a_refusal(ends: tuple[Finish, ...], finish: Finish) -> None:
    made = content(ONE, "a")
    for each in ends:
        made.add(Finished(each))
    made.finish()
    assert made.events[1:] == [Finished(finish)]


def test_end_says_tool_calls_exactly_where_there_are_some() -> None:
    for finish in (Finish.STOP, Finish.TOOL_CALLS):
        calling, talking = content(), content(ONE, "a")
        calling.add(Delta("", 0, (ToolCallDelta(0, "c", "look", "{}"),)))
        for made in (calling, talking):
            made.add(Finished(finish))
            made.finish()
        assert (calling.events[-1], talking.events[-1]) == (Finished(Finish.TOOL_CALLS), Finished(Finish.STOP))
    cut = content()
    cut.add(Delta("", 0, (ToolCallDelta(0, "c", "look", "{"),)))
    cut.add(Finished(Finish.LENGTH))
    cut.finish()
    assert cut.events[-1] == Finished(Finish.LENGTH)


def test_choice_has_its_reasoning_refusal_and_probabilities_apart_from_its_text() -> None:
    made = content()
    for delta in (
        Delta(thinking="let "),
        Delta(thinking="me see", thinking_signature="sig"),
        Delta("yes", logprobs={"content": [1], "refusal": None}),
        Delta("!", logprobs={"content": [2, 3], "refusal": None}),
        Delta("no", is_refusal=True),
    ):
        made.add(delta)
    made.finish()
    assert choices_of(made.events) == (
        Choice("yes!", (), Finish.STOP, "let me see", "sig", "no", {"content": [1, 2, 3], "refusal": None}),
    )
    assert thinking_of(made.events) == "let me see"


def test_signatures_of_several_thoughts_sign_none_of_the_whole() -> None:
    deltas = [Delta(thinking="a", thinking_signature="1"), Delta(thinking="b", thinking_signature="2")]
    assert choices_of(deltas) == (Choice("", thinking="ab"),)


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
    for chunk in (thought := Delta(thinking="hm"), Usage(1, 2), Served("other"), Delta(logprobs={}), Delta()):
        assert not made.add(chunk)
    assert (made.events, made.usage, made.served) == ([thought], Usage(1, 2), "other")
    assert (made.has_content, made.deltas) == (False, 3)


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
    made.add(Delta(thinking="x" * (MOST_CHARS - 8)))
    with pytest.raises(Garbled):
        made.add(Delta(thinking="x"))


def test_name_of_the_served_model_is_cut() -> None:
    made = content()
    made.add(Served("m" * 1_000_000))
    assert len(made.served) == MOST_NAME_CHARS


@pytest.mark.parametrize(
    "chunks",
    [
        [Finished(Finish.LENGTH)],
        [Finished(Finish.STOP, at_stop_sequence=True)],
        [Delta(thinking="hm"), Finished(Finish.STOP)],
        [Delta(thinking_signature="sig"), Finished(Finish.STOP)],
        [Delta(hides_thinking=True), Finished(Finish.STOP)],
        [Usage(5, 5, reasoning_tokens=5), Finished(Finish.STOP)],
    ],
)
def test_end_without_content_is_whole_for_a_reason(chunks: list[Chunk]) -> None:
    made = content()
    assert not any(made.add(chunk) for chunk in chunks)
    assert made.is_whole
    made.finish()
    assert made.events[-1:] == chunks[-1:]


def test_end_without_content_or_reason_is_empty() -> None:
    made = content()
    made.add(Finished(Finish.STOP))
    made.add(Usage(5, 5))
    assert not made.is_whole
    with pytest.raises(EmptyAnswer):
        made.finish()
    with pytest.raises(EmptyAnswer):
        content().finish()


@pytest.mark.parametrize("joins_texts", [False, True])
def test_texts_that_come_together_are_one_delta_where_the_answer_is_shown_whole(joins_texts: bool) -> None:
    made = AttemptContent(ONE, 2, 1000, joins_texts=joins_texts)
    assert made.add_all([TextDeltas(["a", "b"], 1), TextDeltas(["c"], 1)])
    deltas = [Delta("ab", 1), Delta("c", 1)] if joins_texts else [Delta("a", 1), Delta("b", 1), Delta("c", 1)]
    assert made.events == deltas
    assert made.deltas == 3


_TEXTS = st.builds(Delta, st.sampled_from(["a", "bc", ""]), st.integers(0, 1))
_SPECIAL = st.sampled_from(
    [Delta("d", thinking="hm"), Delta("e", is_refusal=True), Delta("", 1, (ToolCallDelta(0, "c", "look"),))]
)
_ENDS = st.builds(Finished, st.sampled_from([Finish.STOP, Finish.LENGTH]), st.integers(0, 1))
_CHUNKS: st.SearchStrategy[list[Chunk]] = st.lists(_TEXTS | _SPECIAL | _ENDS | st.just(Usage(5, 3)), max_size=30)


@given(_CHUNKS)
def test_joined_texts_give_the_same_answer(chunks: list[Chunk]) -> None:
    apart, joined = (AttemptContent(ONE, 2, 1000, joins_texts=joins) for joins in (False, True))
    assert apart.add_all(chunks) == joined.add_all(chunks)
    assert text_of(apart.events) == text_of(joined.events)
    assert choices_of(apart.events) == choices_of(joined.events)
    assert (apart.deltas, apart.has_content, apart.usage) == (joined.deltas, joined.has_content, joined.usage)


def test_texts_of_one_read_are_one_event_around_reports_of_usage() -> None:
    made = AttemptContent(ONE, 2, 1000, joins_texts=True)
    assert made.add_all([Delta("a"), Usage(1, 1), Delta("b"), Delta("c", 1), Usage(1, 3)])
    assert made.events == [Delta("ab"), Delta("c", 1)]


def test_run_of_texts_counts_towards_the_size() -> None:
    made = AttemptContent(ONE, 1, 1)
    with pytest.raises(Garbled, match="without an end"):
        made.add(TextDeltas(["x" * 1000] * 300))
    with pytest.raises(Garbled, match="choice 1 of 1"):
        made.add(TextDeltas(["x"], 1))


@pytest.mark.parametrize(
    "special",
    [
        Delta("a", thinking="hm"),
        Delta("a", thinking_signature="s"),
        Delta("a", logprobs={"content": []}),
        Delta("a", is_refusal=True),
        Delta("", 0, (ToolCallDelta(0, "c", "look"),)),
        Delta("a", 1),
    ],
)
def test_answer_of_more_than_text_is_put_together_in_full(special: Delta) -> None:
    events: list[Delta | Finished] = [Delta("x"), special, Finished(Finish.STOP)]
    plain = Choice("xa", finish=Finish.STOP)
    assert choices_of([Delta("x"), Delta("a"), Finished(Finish.STOP)]) == (plain,)
    assert choices_of(events)[0] != plain
