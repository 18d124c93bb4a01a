import pytest
from msgspec import structs

from engine.chat import Options, Role, Tool, says
from tests.engine.providers.leaks.answers import NOW, WEATHER, read, request, splits

JSON = '{"city": "Hà Nội", "days": 2}'
CALL = f'{{"name": "get_weather", "parameters": {JSON}}}'
LATER = '{"name": "now", "parameters": {}}'
ONE = [("get_weather", {"city": "Hà Nội", "days": 2})]
TWO = [*ONE, ("now", {})]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (CALL, ONE),
        (CALL.replace("parameters", "arguments"), ONE),
        (f'{{"type": "function", "name": "get_weather", "parameters": {JSON}}}', ONE),
        (f'{{"type": "function", "function": {{"name": "get_weather", "arguments": {JSON}}}}}', ONE),
        (f"{CALL}; {LATER}", TWO),
        (f"{CALL}\n{LATER}", TWO),
        (f"[{CALL}, {LATER}]", TWO),
        (f'{{"tool_calls": [{CALL}]}}', ONE),
        (f"```json\n{CALL}\n```", ONE),
        (f"```tool_call\n{CALL}\n```", ONE),
        (f"functools[{CALL}]", ONE),
        (f"function call<|role_sep|>\n{CALL}", ONE),
        (f"Action: ```json\n[{CALL.replace('name', 'tool_name')}]\n```", ONE),
        ('[get_weather(city="Hà Nội", days=2), now()]', TWO),
        ('```tool_code\nget_weather(city="Hà Nội", days=2)\n```', ONE),
        ('```tool_code\nprint(default_api.get_weather(city="Hà Nội", days=2))\n```', ONE),
        ("call:get_weather{city:Hà Nội,days:2}", ONE),
        ('call:default_api:get_weather{city: "Hà Nội", days: 2}', ONE),
        (f">>>get_weather\n{JSON}", ONE),
        (f"{CALL}<|eom_id|>", ONE),
        (CALL.replace('"', "'"), ONE),
    ],
)
def test_call_that_is_the_whole_answer_becomes_a_tool_call(text: str, calls: list[object]) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == ("", calls)
    assert read(request(), [text])[1] == []


@pytest.mark.parametrize(
    "text",
    [
        f"{CALL} is the format.",
        f"Here it is: {CALL}",
        f"```json\n{CALL}\n```\nThis calls it.",
        CALL.replace("get_weather", "other"),
        CALL.replace("city", "town"),
        CALL[:-1],
        CALL.replace("get_weather", "get_weather_now"),
        f'{{"name": "get_weather", "note": {JSON}',
        '{"name": "Paris", "city": "get_weather"}',
        "[get_weather]",
        "[get_weather](https://example.com)",
        "call: get_weather",
        "find the city",
        'get_weather("Hà Nội")',
        "".join(f'{{"{number}": ' for number in range(100)),
    ],
)
def test_other_answers_stay_text(text: str) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == (text, [])


def test_answers_to_questions_about_calls_stay_text() -> None:
    assert read(request(tools=True, question="Show me the tool call for Hà Nội"), [CALL]) == (CALL, [])
    fenced = f"```json\n{CALL}\n```"
    assert read(request(tools=True, question="Give an example"), [fenced]) == (fenced, [])
    assert read(request(tools=True, question="Give an example"), [CALL]) == ("", ONE)


def test_json_that_the_request_asks_for_stays_text() -> None:
    options = Options(tools=(WEATHER, NOW), response_format={"type": "json_object"})
    asked = structs.replace(request(), messages=(says(Role.USER, "Hi"),), options=options)
    assert read(asked, [CALL]) == (CALL, [])


def test_tool_of_any_parameters_takes_all_of_them() -> None:
    asked = structs.replace(request(), options=Options(tools=(Tool("any"),)))
    assert read(asked, ['{"name": "any", "arguments": {"a": 1}}']) == ("", [("any", {"a": 1})])


def test_text_is_held_back_only_while_it_may_be_a_call() -> None:
    assert read(request(tools=True), ["  ", "{", '"na', 'me": "x"}']) == ('  {"name": "x"}', [])
