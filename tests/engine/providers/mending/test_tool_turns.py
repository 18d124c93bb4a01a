"""Tool calls and results in the forms that clients send, paired in the form that providers accept."""

from collections.abc import Callable, Sequence

import pytest

from engine.chat import Image, Message, Role, Text, ToolCall, says
from engine.providers.mending.tool_turns import NO_RESULT, arguments_object, paired
from engine.providers.tool_ids import carrying, of_at_most, of_nine_letters, plain
from tests.processor_time import units_of

ASKED = says(Role.USER, "what?")
PICTURE = Image("data:image/png;base64,AAAA")


def called(*ids: str, name: str = "look") -> Message:
    return Message(Role.ASSISTANT, (), tuple(ToolCall(each, name, "{}") for each in ids))


def result(call_id: str, text: str, name: str = "") -> Message:
    return Message(Role.TOOL, (Text(text),), tool_call_id=call_id, name=name)


def shape(messages: Sequence[Message]) -> list[str]:
    """Return one line per message: role, ids of its calls or of its result, and text."""
    lines = []
    for message in messages:
        ids = ",".join(call.id for call in message.tool_calls) or message.tool_call_id
        lines.append(" ".join(filter(None, (message.role.value, ids, message.text))))
    return lines


def pair(*messages: Message) -> tuple[Message, ...]:
    return paired(messages, plain, lambda name: name)


def test_plain_history_stays_as_it_is() -> None:
    history = (ASKED, called("a", "b"), result("a", "1", "look"), result("b", "2", "look"), ASKED)
    assert pair(*history) == history


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param(
            (called("a", "b"), result("b", "2"), result("a", "1")),
            ["assistant a,b", "tool a 1", "tool b 2"],
            id="in another order",
        ),
        pytest.param(
            (called("a"), ASKED, result("a", "1")),
            ["assistant a", "tool a 1", "user what?"],
            id="after a turn of the user",
        ),
        pytest.param((called("a"), ASKED), ["assistant a", f"tool a {NO_RESULT}", "user what?"], id="without a result"),
        pytest.param((called("a"),), ["assistant a", f"tool a {NO_RESULT}"], id="a call at the end"),
        pytest.param(
            (ASKED, result("x", "1", "look")), ["user what?", "user Result of look: 1"], id="a result without a call"
        ),
        pytest.param((result("", "1"),), ["user Result of a tool: 1"], id="a result without anything"),
        pytest.param(
            (called("a"), result("a", "1"), result("a", "2")),
            ["assistant a", "tool a 1\n2"],
            id="two results of one call",
        ),
        pytest.param(
            (called("a"), result("a", "1"), called("a"), result("a", "2")),
            ["assistant a", "tool a 1", "assistant a_1", "tool a_1 2"],
            id="an id in two turns",
        ),
        pytest.param(
            (called("a"), called("a"), result("a", "2")),
            ["assistant a", f"tool a {NO_RESULT}", "assistant a_1", "tool a_1 2"],
            id="an id in two turns, one result",
        ),
        pytest.param(
            (called("", ""), result("", "1"), result("", "2")),
            ["assistant call_0,call_1", "tool call_0 1", "tool call_1 2"],
            id="without ids",
        ),
        pytest.param(
            (called(""), result("", "1"), called(""), result("", "2")),
            ["assistant call_0", "tool call_0 1", "assistant call_1", "tool call_1 2"],
            id="without ids, in two turns",
        ),
        pytest.param(
            (called("a", "a", "a"), result("a", "1"), result("a", "2")),
            ["assistant a,a_1,a_2", "tool a 1", "tool a_1 2", f"tool a_2 {NO_RESULT}"],
            id="an id in three calls, two results",
        ),
        pytest.param(
            (called("a", "a"), result("a", "1"), result("a", "2"), result("a", "3")),
            ["assistant a,a_1", "tool a 1", "tool a_1 2\n3"],
            id="an id in two calls, three results",
        ),
        pytest.param(
            (called("a", "b"), called("a"), result("b", "1"), result("a", "2")),
            ["assistant a,b", f"tool a {NO_RESULT}", "tool b 1", "assistant a_1", "tool a_1 2"],
            id="an id in two turns, the result of another one after both",
        ),
        pytest.param(
            (called("a", "a_1", "a", "a_1"),),
            ["assistant a,a_1,a_2,a_1_1", *(f"tool {each} {NO_RESULT}" for each in ("a", "a_1", "a_2", "a_1_1"))],
            id="an id that looks numbered",
        ),
    ],
)
def test_results_follow_their_calls(history: tuple[Message, ...], expected: list[str]) -> None:
    assert shape(pair(*history)) == expected


def test_calls_of_one_turn_with_one_id_get_ids_of_their_own() -> None:
    found = pair(called("a", "a"), result("a", "1"))
    assert [call.id for call in found[0].tool_calls] == ["a", "a_1"]
    assert [message.tool_call_id for message in found[1:]] == ["a", "a_1"]


def test_result_of_an_old_function_belongs_to_the_call_of_its_name() -> None:
    calls = (ToolCall("", "look", "{}"), ToolCall("", "find", "{}"))
    found = pair(Message(Role.ASSISTANT, (), calls), result("", "found", "find"), result("", "seen", "look"))
    assert [(message.name, message.text) for message in found[1:]] == [("look", "seen"), ("find", "found")]


def test_result_of_another_name_is_not_given_to_a_call() -> None:
    found = pair(called(""), result("", "x", "other"))
    assert shape(found) == ["assistant call_0", f"tool call_0 {NO_RESULT}", "user Result of other: x"]


def test_pictures_and_all_parts_of_results_are_kept() -> None:
    many = Message(Role.TOOL, (Text("a"), PICTURE, Text("b")), tool_call_id="c")
    assert pair(called("c"), many)[1].parts == many.parts
    alone = Message(Role.TOOL, (PICTURE,), tool_call_id="gone")
    assert pair(alone)[0].parts == (Text("Result of a tool: "), PICTURE)


def test_signature_of_an_id_becomes_that_of_the_call() -> None:
    signed = carrying("a", "c2lnbmVk")
    found = pair(called(signed), result(signed, "1"))
    assert found[0].tool_calls == (ToolCall("a", "look", "{}", "c2lnbmVk"),)
    assert found[1].tool_call_id == "a"
    own = Message(Role.ASSISTANT, (), (ToolCall("a", "look", "{}", "b3du"),))
    assert pair(own)[0].tool_calls[0].signature == "b3du"
    assert shape(pair(called(signed), result("a", "1"))) == ["assistant a", "tool a 1"]


def test_call_without_a_name_gets_one_and_so_does_its_result() -> None:
    found = pair(called("a", name=""), result("a", "1"))
    assert (found[0].tool_calls[0].name, found[1].name) == ("tool", "tool")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"a": 1}', {"a": 1}),
        ("", {}),
        ("[1]", {"value": [1]}),
        ("{broken", {"text": "{broken"}),
        ("[" * 100_000, {"text": "[" * 100_000}),
    ],
)
def test_arguments_are_always_an_object(text: str, arguments: dict[str, object]) -> None:
    assert arguments_object(text) == arguments


def test_signed_id_that_repeats_gets_a_number() -> None:
    """A repeated signed id gets its number before the signature; after it, the number would be lost."""
    signed = carrying("a", "c2lnbmVk")
    history = (ASKED, called(signed, signed), result(signed, "b"), called(signed), result(signed, "c"))
    found = paired(history, plain, str)
    ids = [call.id for message in found for call in message.tool_calls]
    assert len(set(ids)) == len(ids) == 3
    assert {call.signature for message in found for call in message.tool_calls} == {"c2lnbmVk"}


@pytest.mark.parametrize("form", [plain, of_at_most(64), of_nine_letters])
@pytest.mark.parametrize("own", ["a-sig0b-sig1c", "a-sig1b-sig0c", "-sig1", "-sig0-sig1", "a-sig", "\ud800", "a" * 9])
def test_any_id_may_repeat(form: Callable[[str], str], own: str) -> None:
    found = paired([called(own, own, own), called(own)], form, str)
    ids = [call.id for message in found for call in message.tool_calls]
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([called(*["a"] * 20_000), *[result("a", "1")] * 4000], id="one id in one turn"),
        pytest.param([called("a"), result("a", "1")] * 4000, id="one id in all turns"),
        pytest.param([m for n in range(4000) for m in (called(f"{n}"), result(f"{n}", "1"))], id="many turns"),
        pytest.param([called(*map(str, range(20_000))), *(result(str(n), "1") for n in range(4000))], id="many ids"),
        pytest.param([called(*[""] * 20_000), *[result("", "1", "find"), result("", "1")] * 2000], id="no ids"),
    ],
)
def test_long_history_takes_time_in_proportion_to_its_length(history: list[Message]) -> None:
    """It takes up to 60 units; a quadratic way takes thousands."""
    assert units_of(lambda: paired(history, of_at_most(64), str), 400) < 400


def test_no_result_is_sent_twice() -> None:
    found = paired([called(*["a"] * 100), result("a", "long")], plain, str)
    assert sum(message.text == "long" for message in found) == 1
