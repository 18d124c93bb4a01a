import pytest

from engine.chat import ChatRequest, Delta, Finish, Finished, Role, Served, ToolCall, ToolCallDelta, Usage, says
from engine.errors import Garbled
from engine.gateway.collected import MOST_CHARS, MOST_NAME_CHARS, Bounds, Collected, partial_usage, whole_usage

ASKED = ChatRequest("r", "m", (says(Role.USER, "hello"),))
BOUNDS = Bounds(100, 50)


def said(text: str, usage: Usage | None = None) -> Collected:
    collected = Collected()
    collected.add(Delta(text))
    if usage is not None:
        collected.add(usage)
    return collected


def test_pieces_become_choices_with_their_calls() -> None:
    collected = Collected()
    for chunk in (
        Delta("a"),
        Delta("x", 1),
        Delta("b", 0, (ToolCallDelta(0, "c", "look", '{"a"'),)),
        Delta("", 0, (ToolCallDelta(0, "", "", ": 1}"),)),
        Finished(Finish.LENGTH, 1),
    ):
        collected.add(chunk)
    first, second = collected.choices()
    assert (first.text, first.tool_calls) == ("ab", (ToolCall("c", "look", '{"a": 1}'),))
    assert (second.text, second.finish) == ("x", Finish.LENGTH)
    assert collected.endings() == (Finished(Finish.TOOL_CALLS, 0), Finished(Finish.LENGTH, 1))


def test_the_first_ending_of_a_choice_counts() -> None:
    collected = said("a")
    collected.add(Finished(Finish.LENGTH))
    collected.add(Finished(Finish.STOP))
    assert collected.endings() == (Finished(Finish.LENGTH),)


def test_an_answer_without_an_end_is_garbage() -> None:
    with pytest.raises(Garbled):
        said("x" * (MOST_CHARS + 1))


@pytest.mark.parametrize("report", [Usage(9, 3), Usage(150, 60), Usage(9, 3, 4, 5, 2)])
def test_a_plausible_report_is_the_bill_even_over_the_hold(report: Usage) -> None:
    assert whole_usage(ASKED, said("hi", report), BOUNDS) == report


@pytest.mark.parametrize(
    "report",
    [
        Usage(-9, 3),
        Usage(9, -3),
        Usage(9, 3, -1),
        Usage(9, 3, 8, 2),
        Usage(0, 3),
        Usage(30_000_000, 3),
        Usage(11_000, 3),
        Usage(9, 11_000),
    ],
)
def test_an_absurd_report_is_estimated_and_marked(report: Usage) -> None:
    for found in (
        whole_usage(ASKED, said("hi there", report), BOUNDS),
        partial_usage(ASKED, report, said("hi there"), BOUNDS),
    ):
        assert found.estimated
        assert 0 < found.input_tokens <= 100
        assert 0 < found.output_tokens <= 50


def test_an_estimate_stays_within_the_hold() -> None:
    found = whole_usage(ASKED, said("long " * 10_000), Bounds(3, 50))
    assert (found.input_tokens, found.output_tokens) == (3, 50)


def test_a_stopped_answers_output_is_estimated_where_only_the_input_was_told() -> None:
    found = partial_usage(ASKED, Usage(9, 1), said("many words have come so far, all of them read"), BOUNDS)
    assert (found.input_tokens, found.estimated) == (9, True)
    assert found.output_tokens > 5


def test_an_answer_far_beyond_its_limit_of_tokens_is_garbage() -> None:
    collected = Collected(1000)
    collected.add(Delta("x" * 200_000))
    with pytest.raises(Garbled):
        collected.add(Delta("x" * 100_000))


def test_tool_calls_and_thoughts_without_an_end_are_garbage() -> None:
    calls = tuple(ToolCallDelta(n) for n in range(10_000))
    with pytest.raises(Garbled):
        Collected(1000).add(Delta("", 0, calls))
    with pytest.raises(Garbled):
        Collected(1000).add(Delta(thinking="x" * (MOST_CHARS + 1)))


def test_the_name_of_who_served_is_kept_as_far_as_it_is_a_name() -> None:
    collected = Collected()
    collected.add(Served("m" * 1_000_000))
    assert len(collected.served) == MOST_NAME_CHARS
