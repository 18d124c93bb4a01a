from engine.chat import Chunk, Delta, Finish, Finished, Options, Tool, ToolCallDelta
from engine.providers.mending.answers import AnswerMending
from engine.providers.mending.tool_names import PLAIN_NAME, safe_name

SAFE = safe_name("my tool", PLAIN_NAME)


def mending(*, parallel: bool | None = None, name: str = "my tool") -> AnswerMending | None:
    return AnswerMending.of(Options(tools=(Tool(name),), parallel_tool_calls=parallel), PLAIN_NAME)


def test_answer_without_tools_is_left_alone() -> None:
    assert AnswerMending.of(Options(parallel_tool_calls=False), PLAIN_NAME) is None


def test_client_gets_its_own_names_of_tools() -> None:
    found = mending()
    assert found is not None
    call = ToolCallDelta(0, "a", SAFE, "{}")
    assert found.mended([Delta("", 0, (call,))]) == [Delta("", 0, (ToolCallDelta(0, "a", "my tool", "{}"),))]
    other: list[Chunk] = [Delta("x"), Delta("", 0, (ToolCallDelta(0, "", "", "{}"),)), Finished(Finish.STOP)]
    assert found.mended(other) == other


def test_client_without_parallel_calls_gets_the_first_call_of_each_choice_only() -> None:
    found = mending(parallel=False, name="look")
    assert found is not None
    first, second = ToolCallDelta(0, "a", "look"), ToolCallDelta(1, "b", "look")
    assert found.mended([Delta("", 0, (first, second))]) == [Delta("", 0, (first,))]
    assert found.mended([Delta("", 0, (second,))]) == []
    assert found.mended([Delta("x", 0, (second,))]) == [Delta("x")]
    assert found.mended([Delta("", 1, (second,))]) == [Delta("", 1, (second,))]
    assert found.mended([Delta("", 0, (ToolCallDelta(0, "", "", "{}"),))]) == [
        Delta("", 0, (ToolCallDelta(0, "", "", "{}"),))
    ]
