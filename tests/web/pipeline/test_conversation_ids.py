import pytest

from engine.chat import Image, Message, Role, Text, ToolCall, Usage, says
from engine.completion import Choice, Completion
from engine.recent_entries import RecentEntries
from web.pipeline.conversation_ids import ConversationIds

SYSTEM = says(Role.SYSTEM, "Be brief.")
HELLO = says(Role.USER, "hello")
ANSWER = says(Role.ASSISTANT, "Hello! How can I help?")
NEXT = says(Role.USER, "tell me about the sea")


class Seconds:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_request_that_begins_with_an_earlier_one_continues_its_conversation() -> None:
    ids = ConversationIds(Seconds())
    first = ids.of(7, [SYSTEM, HELLO], "r1")
    second = ids.of(7, [SYSTEM, HELLO, ANSWER, NEXT], "r2")
    third = ids.of(7, [SYSTEM, HELLO, ANSWER, NEXT, ANSWER, HELLO], "r3")
    assert first == second == third == "http:7:r1"


def test_tool_results_continue_the_conversation() -> None:
    ids = ConversationIds(Seconds())
    call = Message(Role.ASSISTANT, (), (ToolCall("c1", "search", "{}"),))
    result = Message(Role.TOOL, HELLO.parts, tool_call_id="c1")
    assert ids.of(7, [HELLO, call, result], "r2") != ids.of(7, [NEXT], "r1")
    assert ids.of(7, [NEXT, call, result], "r3") == "http:7:r1"


def test_same_system_text_alone_is_no_conversation() -> None:
    ids = ConversationIds(Seconds())
    assert ids.of(7, [SYSTEM, HELLO], "r1") != ids.of(7, [SYSTEM, NEXT], "r2")


def test_changed_history_begins_a_new_conversation() -> None:
    ids = ConversationIds(Seconds())
    ids.of(7, [SYSTEM, HELLO], "r1")
    assert ids.of(7, [SYSTEM, NEXT, ANSWER, HELLO], "r2") == "http:7:r2"
    assert ids.of(7, [HELLO, SYSTEM, ANSWER, NEXT], "r3") == "http:7:r3"


def test_conversations_of_two_tenants_are_never_joined() -> None:
    ids = ConversationIds(Seconds())
    ids.of(7, [HELLO], "r1")
    assert ids.of(8, [HELLO, ANSWER, NEXT], "r2") == "http:8:r2"
    assert ids.of(8, [HELLO], "r3") == "http:8:r3"


def test_same_first_question_begins_a_new_conversation() -> None:
    """One key may serve many people, and many of them begin alike."""
    ids = ConversationIds(Seconds())
    assert [ids.of(7, [SYSTEM, HELLO], f"r{number}") for number in range(3)] == ["http:7:r0", "http:7:r1", "http:7:r2"]


def test_history_with_another_last_question_is_of_the_same_conversation() -> None:
    ids = ConversationIds(Seconds())
    ids.of(7, [HELLO], "r1")
    assert ids.of(7, [HELLO, ANSWER, NEXT], "r2") == ids.of(7, [HELLO, ANSWER, HELLO], "r3") == "http:7:r1"


def test_longest_known_history_counts() -> None:
    ids = ConversationIds(Seconds())
    ids.of(7, [HELLO, ANSWER, NEXT], "r1")
    ids.of(7, [HELLO], "r2")
    assert ids.of(7, [HELLO, ANSWER, NEXT, ANSWER, HELLO], "r3") == "http:7:r1"


def test_conversation_is_forgotten_six_hours_after_its_last_request() -> None:
    seconds = Seconds()
    ids = ConversationIds(seconds)
    ids.of(7, [HELLO], "r1")
    seconds.at = 6 * 3600
    assert ids.of(7, [HELLO, ANSWER, NEXT], "r2") == "http:7:r1"
    seconds.at += 6 * 3600 + 1
    assert ids.of(7, [HELLO, ANSWER, NEXT, ANSWER, NEXT], "r3") == "http:7:r3"


def test_oldest_conversations_are_forgotten_beyond_the_bound() -> None:
    ids = ConversationIds(Seconds(), RecentEntries(4))
    for number in range(5):
        ids.of(7, [says(Role.USER, str(number))], f"r{number}")
        assert len(ids.entries) <= 4
    assert ids.of(7, [says(Role.USER, "2"), ANSWER, NEXT], "r6") == "http:7:r2"
    assert ids.of(7, [says(Role.USER, "0"), ANSWER, NEXT], "r7") == "http:7:r7"


def test_conversation_is_kept_for_a_lifetime_of_newer_ones() -> None:
    seconds = Seconds()
    ids = ConversationIds(seconds)
    ids.of(7, [HELLO], "r1")
    seconds.at = 6 * 3600 + 1
    ids.of(7, [NEXT], "r2")
    assert ids.of(7, [HELLO, ANSWER, NEXT], "r3") == "http:7:r1"
    assert ids.of(7, [NEXT, ANSWER, HELLO], "r4") == "http:7:r2"


LONG_ANSWER = "The sea covers seven tenths of the Earth.\n"
FRESH = [SYSTEM, HELLO]


def completion(text: str = "", *calls: ToolCall) -> Completion:
    return Completion("p", "m", (Choice(text, calls),), Usage(1, 1))


def answered(text: str = LONG_ANSWER, *calls: ToolCall, tenant_id: int = 7) -> ConversationIds:
    ids = ConversationIds(Seconds())
    ids.answered(tenant_id, ids.of(tenant_id, FRESH, "r1"), completion(text, *calls))
    return ids


def said(text: str) -> Message:
    return says(Role.ASSISTANT, text)


@pytest.mark.parametrize(
    "messages",
    [
        [says(Role.SYSTEM, "Be brief. It is 12:01."), HELLO, said(LONG_ANSWER), NEXT],  # a clock in the system prompt
        [says(Role.USER, "hello, edited"), said(LONG_ANSWER), NEXT],
        [said(LONG_ANSWER), NEXT],  # the oldest turns dropped
        [SYSTEM, HELLO, said("  " + LONG_ANSWER.strip()), NEXT],  # white space trimmed
        [SYSTEM, NEXT, Message(Role.ASSISTANT, (Text(LONG_ANSWER[:20]), Text(LONG_ANSWER[20:]))), NEXT],  # in blocks
        [NEXT, Message(Role.ASSISTANT, (Text(LONG_ANSWER),), name="helper"), NEXT],
        [NEXT, Message(Role.ASSISTANT, (Text(LONG_ANSWER),), thinking="hm", thinking_signature="s"), NEXT],
        [NEXT, said(LONG_ANSWER), NEXT, said("an answer that the client has changed"), NEXT],
        [NEXT, said(LONG_ANSWER), NEXT, Message(Role.ASSISTANT, (Image("https://a.example/b.png"),)), NEXT],
        [says(Role.USER, "hello [noon]"), said(LONG_ANSWER), says(Role.USER, "tell me about the sea [one]")],
        [NEXT, said(LONG_ANSWER), NEXT, says(Role.SYSTEM, "Remember to be brief.")],  # a reminder after the question
    ],
)
def test_conversation_is_recognized_by_our_answer_where_its_beginning_changed(messages: list[Message]) -> None:
    assert answered().of(7, messages, "r2") == "http:7:r1"


def test_conversation_is_recognized_by_the_ids_of_our_tool_calls() -> None:
    ids = answered("", ToolCall("call_ab12", "find", '{"q": 1}'))
    call = Message(Role.ASSISTANT, (), (ToolCall("call_ab12", "find", '{"q":1}'),))
    result = Message(Role.TOOL, (Text("found"),), tool_call_id="call_ab12")
    assert ids.of(7, [NEXT, call, result], "r2") == "http:7:r1"


@pytest.mark.parametrize("text", ["", "Yes.", " " * 40, "OK, done." + " " * 40])
def test_answers_that_many_conversations_have_say_nothing(text: str) -> None:
    assert answered(text).of(7, [NEXT, said(text), NEXT], "r2") == "http:7:r2"


def test_answer_that_two_conversations_had_says_nothing() -> None:
    ids = answered()
    ids.answered(7, ids.of(7, [NEXT], "r2"), completion(LONG_ANSWER))
    assert ids.of(7, [SYSTEM, said(LONG_ANSWER), NEXT], "r3") == "http:7:r3"
    assert ids.of(7, [NEXT, said(LONG_ANSWER), HELLO], "r4") == "http:7:r2"
    assert ids.of(7, [*FRESH, said(LONG_ANSWER), HELLO], "r5") == "http:7:r1"


def test_our_answer_to_one_tenant_is_not_recognized_from_another() -> None:
    assert answered(tenant_id=8).of(7, [*FRESH, said(LONG_ANSWER), NEXT], "r2") == "http:7:r2"


def test_answer_counts_before_a_history_that_many_conversations_begin_with() -> None:
    ids = answered()
    ids.of(7, FRESH, "r2")
    assert ids.of(7, [*FRESH, said(LONG_ANSWER), NEXT], "r3") == "http:7:r1"


def test_answer_that_has_left_the_last_three_is_not_looked_up() -> None:
    turns = [HELLO, said("first"), HELLO, said("second"), HELLO, said("third"), HELLO]
    assert answered().of(7, [NEXT, said(LONG_ANSWER), *turns], "r2") == "http:7:r2"
    assert answered().of(7, [NEXT, said(LONG_ANSWER), *turns[2:]], "r2") == "http:7:r1"


def test_answer_without_choices_is_not_noted() -> None:
    ids = ConversationIds(Seconds())
    ids.answered(7, "http:7:r1", Completion("p", "m", (), Usage(1, 1)))
    assert not len(ids.entries)
