import pytest

from engine.chat import ChatRequest, Message, Options, Role, Tool, ToolCall
from engine.providers.mending.tool_names import (
    GEMINI_NAME,
    PLAIN_NAME,
    clients_name,
    known_names,
    safe_name,
    used_names,
)

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


def test_known_names_lead_back_to_the_clients_own() -> None:
    options = Options(tools=(Tool("look"), Tool("a b")))
    assert known_names(options, PLAIN_NAME) == {safe_name("a b", PLAIN_NAME): "a b", "a b": "a b", "look": "look"}


@pytest.mark.parametrize(
    ("called", "own"),
    [
        ("look", "look"),
        ("functions.look", "look"),
        ("function.look", "look"),
        ("default_api.look", "look"),
        ("default_api:look", "look"),
        ("tool:look", "look"),
        ("functions.look:0", "look"),
        ("look:12", "look"),
        ("look<|channel|>commentary", "look"),
        ("look<|constrain|>json", "look"),
        (" look\n", "look"),
        ("look</arg_key>", "look"),
        ("look<tool_sep>", "look"),
        ('"look"', "look"),
        ("look(city=1)", "look"),
        ("print(default_api.look(", "look"),
        ("look {", "look"),
        ("look at", "look"),
        ("Look", "look"),
        ("FUNCTIONS.Look", "look"),
        ("a.b", "a.b"),
        (safe_name("a.b", PLAIN_NAME), "a.b"),
        ("functions.a.b", "a.b"),
        ("lookup", "lookup"),
        ("look.functions", "look.functions"),
        ("read", "read"),
        ("", ""),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_tool_is_found_by_the_name_that_a_model_gives_it(called: str, own: str) -> None:
    tools = (Tool("look"), Tool("a.b"), Tool("Read"), Tool("READ"))
    assert clients_name(called, known_names(Options(tools=tools), PLAIN_NAME)) == own


def test_used_names_are_those_of_the_history_once_each() -> None:
    calls = (ToolCall("1", "look", "{}"), ToolCall("2", "", "{}"), ToolCall("3", "look", "{}"))
    assert used_names(ChatRequest("r", "m", (Message(Role.ASSISTANT, (), calls),))) == ("look", "tool")
