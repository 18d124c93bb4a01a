from engine.chat import ChatRequest, Message, Options, Role, Tool, ToolCall
from engine.providers.mending.tool_names import GEMINI_NAME, PLAIN_NAME, replaced_names, safe_name, used_names

UNSAFE = ("my tool", "a.b", "mcp:look", "größe", "", "x" * 65, "x" * 66, "a/b", "a b")


def test_safe_names_stay_and_others_get_distinct_ones() -> None:
    assert safe_name("get_weather-2", PLAIN_NAME) == "get_weather-2"
    assert safe_name("a.b", GEMINI_NAME) == "a.b"
    found = [safe_name(name, PLAIN_NAME) for name in UNSAFE]
    assert len(set(found)) == len(UNSAFE)
    assert all(PLAIN_NAME.fullmatch(name) and GEMINI_NAME.fullmatch(name) for name in found)


def test_name_that_begins_with_a_digit_is_replaced_for_gemini_only() -> None:
    assert safe_name("2nd", PLAIN_NAME) == "2nd"
    assert safe_name("2nd", GEMINI_NAME) != "2nd"


def test_replaced_names_lead_back_to_the_clients_own() -> None:
    options = Options(tools=(Tool("look"), Tool("a b")))
    assert replaced_names(options, PLAIN_NAME) == {safe_name("a b", PLAIN_NAME): "a b"}


def test_used_names_are_those_of_the_history_once_each() -> None:
    calls = (ToolCall("1", "look", "{}"), ToolCall("2", "", "{}"), ToolCall("3", "look", "{}"))
    assert used_names(ChatRequest("r", "m", (Message(Role.ASSISTANT, (), calls),))) == ("look", "tool")
