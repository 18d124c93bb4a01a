import pytest

from engine.chat import Tool
from engine.providers.leaks.written_calls import NoCall, WrittenCall, WrittenCalls

CALLS = WrittenCalls((Tool("get"), Tool("get_weather")))


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("<tool_call>", None),
        ("<tool_call>\n{", True),
        ("<tool_call>get_weather\n", True),
        ("<tool_call>get_w", None),
        ("<tool_call>x", False),
        ("<too", None),
        ("<table>", False),
        ("[TOOL_CALLS]get_weather[", True),
    ],
)
def test_a_call_begins_with_a_known_opener(text: str, begins: bool | None) -> None:
    assert CALLS.begins_at(text, 0) is begins


def test_calls_without_arguments_get_an_empty_object() -> None:
    assert CALLS.read('<tool_call>{"name": "get"}</tool_call>') == [WrittenCall("get", "{}")]
    assert CALLS.read("<tool_call>get\n</tool_call>") == [WrittenCall("get", "{}")]


def test_arguments_may_be_json_text() -> None:
    text = '<tool_calls>[{"type": "function", "function": {"name": "get", "arguments": "{\\"a\\": 1}"}}]</tool_calls>'
    assert CALLS.read(text) == [WrittenCall("get", '{"a": 1}')]


def test_words_after_a_call_make_it_text() -> None:
    assert CALLS.read("<function=get>{}</function> is a call") == []
    with pytest.raises(NoCall):
        CALLS.read("<function=get>{")
    with pytest.raises(NoCall):
        CALLS.read("<tool_call>" + "[" * 100_000)
