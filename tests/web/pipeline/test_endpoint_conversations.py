from engine.chat import Message, Role, ToolCall, says
from web.pipeline.endpoint import ConversationIds

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


def test_request_sent_again_is_of_the_same_conversation() -> None:
    ids = ConversationIds(Seconds())
    assert ids.of(7, [HELLO], "r1") == ids.of(7, [HELLO], "r2")


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
    ids = ConversationIds(Seconds(), most=4)
    for number in range(5):
        ids.of(7, [says(Role.USER, str(number))], f"r{number}")
        assert len(ids._recent) + len(ids._older) <= 4
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
