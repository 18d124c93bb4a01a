"""Turns that providers refuse, and their mended forms."""

import pytest

from engine.chat import Image, Message, Role, Text, ToolCall, says
from engine.providers.mending.tool_names import PLAIN_NAME
from engine.providers.mending.turns import NO_TEXT, TurnRules, begins_answer, mended_turns
from engine.providers.tool_ids import plain

KIND = TurnRules(plain, PLAIN_NAME)
STRICT = TurnRules(plain, PLAIN_NAME, refuses_blank=True, needs_user=True, begins_with_user=True)
SYSTEM, USER, ANSWER = says(Role.SYSTEM, "be kind"), says(Role.USER, "hi"), says(Role.ASSISTANT, "hello")
PICTURE = Image("data:image/png;base64,AAAA")


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\u3000"])
def test_blank_texts_are_left_out_or_replaced(blank: str) -> None:
    nothing = says(Role.USER, blank)
    assert mended_turns((nothing,), STRICT) == [says(Role.USER, NO_TEXT)]
    assert mended_turns((USER, says(Role.ASSISTANT, blank), USER), STRICT) == [USER, USER]
    assert mended_turns((says(Role.SYSTEM, blank), USER), STRICT) == [USER]
    mixed = Message(Role.USER, (Text(blank), PICTURE, Text("see"), Text(blank)))
    assert mended_turns((mixed,), STRICT) == [Message(Role.USER, (PICTURE, Text("see")))]
    assert mended_turns((nothing, says(Role.ASSISTANT, blank)), KIND) == (nothing, says(Role.ASSISTANT, blank))


def test_call_without_a_text_is_kept_and_its_blank_result_is_named() -> None:
    called = Message(Role.ASSISTANT, (Text(" "),), (ToolCall("a", "look", "{}"),))
    found = mended_turns((USER, called, Message(Role.TOOL, (Text(""),), tool_call_id="a")), STRICT)
    assert found[1] == Message(Role.ASSISTANT, (), (ToolCall("a", "look", "{}"),))
    assert found[2].text == NO_TEXT


def test_request_of_the_system_alone_is_asked_as_the_user() -> None:
    assert mended_turns((SYSTEM,), STRICT) == (says(Role.USER, "be kind"),)
    assert mended_turns((SYSTEM, SYSTEM), STRICT) == (SYSTEM, says(Role.USER, "be kind"))
    assert mended_turns((says(Role.SYSTEM, " "),), STRICT) == (says(Role.USER, NO_TEXT),)
    assert mended_turns((SYSTEM,), KIND) == (SYSTEM,)


def test_system_after_an_answer_asks_as_the_user() -> None:
    asked = says(Role.USER, "be kind")
    assert mended_turns((USER, ANSWER, SYSTEM, SYSTEM), STRICT) == (USER, ANSWER, asked, asked)
    assert mended_turns((USER, SYSTEM), STRICT) == [USER, SYSTEM]
    assert mended_turns((USER, ANSWER, SYSTEM, USER), STRICT) == [USER, ANSWER, SYSTEM, USER]


def test_conversation_begins_with_the_user() -> None:
    assert mended_turns((SYSTEM, ANSWER, USER), STRICT) == (SYSTEM, says(Role.USER, NO_TEXT), ANSWER, USER)
    assert mended_turns((SYSTEM, USER, ANSWER), STRICT) == [SYSTEM, USER, ANSWER]
    assert mended_turns((ANSWER, USER), KIND) == (ANSWER, USER)


def test_names_of_tools_are_brought_into_form() -> None:
    history = (USER, Message(Role.ASSISTANT, (), (ToolCall("a", "my tool!", "{}"),)))
    called, answer = mended_turns(history, KIND)[1:]
    assert PLAIN_NAME.fullmatch(called.tool_calls[0].name)
    assert answer.name == called.tool_calls[0].name


def test_begun_answer_is_text_of_the_assistant_at_the_end() -> None:
    assert begins_answer((USER, ANSWER))
    assert not begins_answer((ANSWER, USER))
    assert not begins_answer((USER, says(Role.ASSISTANT, " ")))
    assert not begins_answer((USER, Message(Role.ASSISTANT, (Text("x"),), (ToolCall("a", "look", "{}"),))))
