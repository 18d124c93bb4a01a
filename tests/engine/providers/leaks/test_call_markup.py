"""The formats of tool calls that the parsers of vLLM, SGLang and llama.cpp read, and texts about them."""

import random
import re

import pytest

from engine.providers.leaks import call_markup
from tests.engine.providers.leaks.answers import read, request, splits

ONE = [("get_weather", {"city": "Hà Nội", "days": 2})]
TWO = [*ONE, ("now", {})]
JSON = '{"city": "Hà Nội", "days": 2}'
CALL = f'{{"name": "get_weather", "arguments": {JSON}}}'
NOW = '{"name": "now", "arguments": {}}'
PYTHON = 'get_weather(city="Hà Nội", days=2)'
GEMMA = "call:get_weather{{city:{0}Hà Nội{0},days:2}}"
INVOKE = (
    '<{0}invoke name="get_weather">\n<{0}parameter name="city">Hà Nội</{0}parameter>\n'
    '<{0}parameter name="days">2</{0}parameter>\n</{0}invoke>'
)
FUNCTION = "<function=get_weather>\n<parameter=city>Hà Nội</parameter>\n<parameter=days>2</parameter>\n</function>"
KIMI_K3 = (
    '<|open|>call tool="get_weather" index="1"<|sep|>'
    '<|open|>argument key="city" type="string"<|sep|>Hà Nội<|close|>argument<|sep|>'
    '<|open|>argument key="days" type="number"<|sep|>2<|close|>argument<|sep|><|close|>call<|sep|>'
)
V41 = "｜DSML｜ "

FORMATS = {
    "Gemma 4": "<|tool_call>" + GEMMA.format('<|"|>') + "<tool_call|>",
    "FunctionGemma": "<start_function_call>" + GEMMA.format("<escape>") + "<end_function_call>",
    "Kimi K3": f"<|open|>tools<|sep|>{KIMI_K3}<|close|>tools<|sep|>",
    "Kimi K2 without a section": (
        f"<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{JSON}<|tool_call_end|>"
    ),
    "LFM2": f"<|tool_call_start|>[{PYTHON}]<|tool_call_end|>",
    "LFM2, JSON": f"<|tool_call_start|>[{CALL}]<|tool_call_end|>",
    "Llama 4": f"<|python_start|>[{PYTHON}]<|python_end|>",
    "OLMo 3": f"<function_calls>\n{PYTHON}\n</function_calls>",
    "DeepSeek 4.1": f"<{V41}calls>\n{INVOKE.format(V41)}\n</{V41}calls>",
    "DeepSeek without a section": INVOKE.format("｜DSML｜"),
    "DeepSeek 3 without a section": f"<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{JSON}<｜tool▁call▁end｜>",
    "Claude": f"<function_calls>\n{INVOKE.format('')}\n</function_calls>",
    "Claude, with a prefix": f"<antml:function_calls>\n{INVOKE.format('antml:')}\n</antml:function_calls>",
    "Claude without a section": INVOKE.format(""),
    "MiniMax M2 without quotation marks": (
        "<minimax:tool_call><invoke name=get_weather><parameter name=city>Hà Nội</parameter>"
        "<parameter name=days>2</parameter></invoke></minimax:tool_call>"
    ),
    "Apertus": f'<|tools_prefix|>[{{"get_weather": {JSON}}}]<|tools_suffix|>',
    "Inkling": (
        '<|message_model|>get_weather<|content_invoke_tool_json|>{"name":"get_weather","args":'
        + JSON
        + "}<|end_message|>"
    ),
    "Step 3": (
        f"<｜tool_calls_begin｜>\n<｜tool_call_begin｜>function<｜tool_sep｜>{INVOKE.format('steptml:')}"
        "<｜tool_call_end｜>\n<｜tool_calls_end｜>"
    ),
    "Seed OSS": f"<seed:tool_call>\n{FUNCTION}\n</seed:tool_call>",
    "Qwen Coder, a closing tag left out": FUNCTION.replace("Hà Nội</parameter>", "Hà Nội"),
    "InternLM": f"<|action_start|><|plugin|>\n{CALL.replace('arguments', 'parameters')}<|action_end|>",
    "LongCat": f"<longcat_tool_call>{CALL}</longcat_tool_call>",
    "LongCat, listed": (
        "<longcat_tool_call>get_weather\n<longcat_arg_key>city</longcat_arg_key>\n<longcat_arg_value>Hà Nội"
        "</longcat_arg_value>\n<longcat_arg_key>days</longcat_arg_key>\n<longcat_arg_value>2</longcat_arg_value>\n"
        "</longcat_tool_call>"
    ),
    "Hunyuan 3": (
        "<tool_calls>\n<tool_call>get_weather<tool_sep>\n<arg_key>city</arg_key>\n<arg_value>Hà Nội</arg_value>\n"
        "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n</tool_calls>"
    ),
    "Granite 20B": f"<function_call> {CALL}",
    "Nemotron": f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    "Hermes with single quotation marks": f"<tool_call>{CALL.replace(chr(34), chr(39))}</tool_call>",
    "Llama, a bracket left out": f"<function=get_weather{JSON}</function>",
    "Llama, opened twice": f"<function=get_weather>{JSON}<function>",
    "gpt-oss, in the channel of its reasoning": (
        f"<|channel|>analysis to=functions.get_weather code<|message|>{JSON}<|call|>"
    ),
}
SEVERAL = [
    f"<tool_calls>\n{CALL}\n{NOW}\n</tool_calls>",
    f"<tool_call>\n{CALL}\n{NOW}\n</tool_call>",
    f"<|python_start|>[{PYTHON}, now()]<|python_end|>",
    f"<function_calls>\n{PYTHON}\nnow()\n</function_calls>",
    f"[TOOL_CALLS]get_weather[ARGS]{JSON}[TOOL_CALLS]now[ARGS]{{}}",
    f'<function_calls>{INVOKE.format("")}<invoke name="now"></invoke></function_calls>',
    "<|tool_call>" + GEMMA.format('<|"|>') + "<tool_call|><|tool_call>call:now{}<tool_call|>",
]


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS)
def test_each_format_becomes_a_tool_call(text: str) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == ("", ONE)
    for pieces in splits(f"I look.\n{text}"):
        assert read(request(tools=True), pieces) == ("I look.\n", ONE)
    assert read(request(), [text])[1] == []


@pytest.mark.parametrize("text", SEVERAL)
def test_several_calls_in_one_section_stay_several(text: str) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == ("", TWO)


OPENERS = (
    *call_markup.BEFORE_JSON,
    *call_markup.BEFORE_GEMMA,
    *call_markup.BEFORE_LINES,
    *call_markup.OTHERS,
    *call_markup.COMPLETE,
    *(form.format("get_weather") for form, _ in call_markup.WITH_NAME),
)
CLOSERS = (*filter(None, call_markup.BEFORE_JSON.values()), *call_markup.BEFORE_GEMMA.values(), "<|im_end|>", "</s>")
SENTENCES = (
    "The model writes {opener} before the JSON.",
    "It starts with {opener}, then the name get_weather follows.",
    "The parser looks for {opener}\nand stops at {closer}.",
    "| token | {opener} |\n| end | {closer} |\n",
    'if (tok == "{opener}") {{ call(get_weather) }}',
    "regex: {opener}(.*?){closer}",
    "{opener}\n\nis the opener of get_weather",
    "Use {opener}get_weather, please.",
    "Tokens: {opener} {opener} {closer}",
    "`{opener}`{closer}",
    "Example:\n```\n{call}\n```\nThat is all.",
    "The text {call}\nbecomes a call of get_weather.",
    "    {call}\n\nis indented.",
)


@pytest.mark.parametrize("seed", range(40))
def test_answers_about_tool_calls_arrive_unchanged(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(10):
        sentences = [
            chance.choice(SENTENCES).format(
                opener=chance.choice(OPENERS), closer=chance.choice(CLOSERS), call=chance.choice([*FORMATS.values()])
            )
            for _ in range(chance.randint(1, 3))
        ]
        text = " ".join(sentences) + chance.choice([" Done.", " OK", "!"])
        pieces = re.findall(rf"(?s).{{1,{chance.randint(1, 400)}}}", text)
        assert read(request(tools=True), pieces) == (text, [])


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL}</tool_call> is how Hermes writes it.",
        "<tool_call>{...}</tool_call> has the name get_weather in it.",
        "<|tool_call>call:get_weather{city}",
    ],
)
def test_words_after_a_call_show_that_it_is_an_example(text: str) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == (text, [])
