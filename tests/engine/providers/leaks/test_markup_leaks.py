import pytest

from engine.chat import Delta, Finish, Finished, TextDeltas, ToolCallDelta
from engine.errors import Garbled
from engine.providers.leaks.markup_leaks import MarkupLeaks
from tests.engine.providers.leaks.answers import read, request, splits

ARGUMENTS = {"city": "Hà Nội", "days": 2}
CALL = '{"name": "get_weather", "arguments": {"city": "Hà Nội", "days": 2}}'
JSON = '{"city": "Hà Nội", "days": 2}'
DSML = "｜DSML｜"
INVOKE = """<{0}invoke name="get_weather"><{0}parameter name="city"{1}>Hà Nội</{0}parameter>
<{0}parameter name="days"{2}>2</{0}parameter></{0}invoke>"""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello!<|im_end|>", "Hello!"),
        ("Hello!<|im_end|>\n", "Hello!"),
        ("Hello!\n<|eot_id|><|start_header_id|>", "Hello!\n"),
        ("a < b<|endoftext|><|endoftext|>", "a < b"),
        ("**Yes.**</s>", "**Yes.**"),
        ("He said “no”.<end_of_turn>\n<eos>", "He said “no”."),
        ("```py\nx = 1\n```<|end|>", "```py\nx = 1\n```"),
        ("Use `x`<|return|>", "Use `x`"),
        ("Done. [/INST]", "Done. "),
        ("好。<｜end▁of▁sentence｜>", "好。"),
        ('{"a": [1, 2]}<|im_end|>', '{"a": [1, 2]}'),
        ("The word [<|im_end|>", "The word ["),
        ("Let me look:<|im_end|>", "Let me look:"),
        ("<|im_end|>", ""),
    ],
)
def test_end_tokens_at_the_end_are_removed(text: str, shown: str) -> None:
    for pieces in splits(text):
        assert read(request(), pieces) == (shown, [])


@pytest.mark.parametrize(
    "text",
    [
        "Qwen ends each turn with <|im_end|> and a line break.",
        "Use `<|im_end|>`",
        "Its token is `<|im_end|>",
        "```\n<|im_start|>user\nHi<|im_end|>\n```",
        "```\nHi<|im_end|>",
        "Stop token: <|im_end|>",
        'stop="<|im_end|>',
        "Between <|im_end|> and <|im_end|>",
        "The price is <s>10</s>",
        "[INST] Hi [/INST]",
        "a <b> c <",
        "x = y[",
        "<|im_end",
        "<|im_ends|>",
        f"<tool_call>{CALL}</tool_call>",
    ],
)
def test_texts_about_markup_are_kept(text: str) -> None:
    for pieces in splits(text):
        assert read(request(), pieces) == (text, [])


def test_tokens_that_the_request_asks_about_are_kept() -> None:
    asked = request(question="Which comes last, <|im_end|> or </s>?")
    assert read(asked, ["Last comes <|im_", "end|>"]) == ("Last comes <|im_end|>", [])


SHAPES = [
    f"<tool_call>\n{CALL}\n</tool_call>",
    f"<tool_call>{CALL}</tool_call><|im_end|>",
    f"<tool_call>{CALL}",
    f"<tool_calls>[{CALL}]</tool_calls>",
    f"<|tool_call|>[{CALL}]<|/tool_call|>",
    f"<|python_tag|>{CALL.replace('arguments', 'parameters')}<|eom_id|>",
    f"<function=get_weather>{JSON}</function>",
    f"[TOOL_CALLS] [{CALL}]</s>",
    f"[TOOL_CALLS]get_weather[ARGS]{JSON}",
    f"[TOOL_CALLS]get_weather{JSON}",
    (
        f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{JSON}\n```"
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>"
    ),
    f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{JSON}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    f"<{DSML}function_calls>\n"
    + INVOKE.format(DSML, ' string="true"', ' string="false"')
    + f"\n</{DSML}function_calls>",
    f'<{DSML}function_calls><{DSML}invoke name="get_weather">{JSON}</{DSML}invoke></{DSML}function_calls>',
    "<minimax:tool_call>\n" + INVOKE.format("", "", "") + "\n</minimax:tool_call>",
    "<function_calls>" + INVOKE.format("", "", "") + "</function_calls>",
    (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        f"{JSON}<|tool_call_end|><|tool_calls_section_end|>"
    ),
    f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{JSON}<|call|>",
    f"<|start|>assistant<|channel|>commentary to=functions.get_weather json<|message|>{JSON}<|call|>",
    f"<|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{JSON}",
    (
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nHà Nội\n</parameter>\n<parameter=days>\n2\n"
        "</parameter>\n</function>\n</tool_call>"
    ),
    (
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Hà Nội</arg_value>\n<arg_key>days</arg_key>\n"
        "<arg_value>2</arg_value>\n</tool_call>"
    ),
    '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "get_weather", "parameters": ' + JSON + "}]<|END_ACTION|>",
]


@pytest.mark.parametrize("text", SHAPES)
def test_written_calls_become_tool_calls(text: str) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == ("", [("get_weather", ARGUMENTS)])
    for pieces in splits("I look.\n" + text):
        assert read(request(tools=True), pieces) == ("I look.\n", [("get_weather", ARGUMENTS)])
    assert read(request(), [text])[1] == []


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>",
        f"[TOOL_CALLS][{CALL}, {CALL}]",
        f"<|python_tag|>{CALL}; <|python_tag|>{CALL}",
    ],
)
def test_two_written_calls_become_two(text: str) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == ("", [("get_weather", ARGUMENTS)] * 2)


@pytest.mark.parametrize(
    "text",
    [
        f"Write `<tool_call>{CALL}</tool_call>`",
        f"```\n<tool_call>{CALL}</tool_call>\n```",
        f"<tool_call>{CALL}</tool_call> is how it is written.",
        "<tool_call> is a tag.",
        "[TOOL_CALLS] is a token",
        f"<tool_call>{CALL.replace('get_weather', 'other')}</tool_call>",
        "if a<b and c[0]<d",
        "<function=f>x</function>",
    ],
)
def test_texts_that_are_no_call_are_kept(text: str) -> None:
    for pieces in splits(text):
        assert read(request(tools=True), pieces) == (text, [])


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL[:-3]}</tool_call>",
        f"<tool_call>{CALL[:-10]}",
        f"<function=get_weather>{JSON[:-4]}</function>",
        f"[TOOL_CALLS]get_weather[ARGS]{JSON[:-1]}",
        '<tool_call>{"name": "get_weather", "arguments": [1]}</tool_call>',
    ],
)
def test_broken_calls_are_failures(text: str) -> None:
    for pieces in splits(text):
        with pytest.raises(Garbled):
            read(request(tools=True), pieces)
    assert read(request(tools=True), [text], Finish.LENGTH) == (text, [])


def test_plain_text_is_not_held_back() -> None:
    leaks = MarkupLeaks(request(tools=True))
    assert leaks.cleaned([TextDeltas(["a", " b"])]) == [TextDeltas(["a", " b"])]
    assert leaks.cleaned([Delta("1 < 2, x[0]")]) == [Delta("1 < 2, x[0]")]
    assert leaks.cleaned([Delta("so <tool")]) == [Delta("so ")]
    assert leaks.cleaned([Delta("box> it")]) == [Delta("<toolbox> it")]


def test_each_choice_has_its_own_text() -> None:
    leaks = MarkupLeaks(request())
    found = [*leaks.cleaned([Delta("a<|im_", 0), Delta("end|>b", 1)])]
    found += leaks.cleaned([Delta("end|>", 0), Finished(Finish.STOP, 0), Finished(Finish.STOP, 1)], final=True)
    texts = {n: "".join(each.text for each in found if isinstance(each, Delta) and each.index == n) for n in (0, 1)}
    assert texts == {0: "a", 1: "end|>b"}


def test_real_calls_leave_written_ones_as_text() -> None:
    leaks = MarkupLeaks(request(tools=True))
    real = Delta("", 0, tuple(read_calls()))
    text = f"<tool_call>{CALL}</tool_call>"
    found = [*leaks.cleaned([Delta(text), real, Finished(Finish.TOOL_CALLS)], final=True)]
    assert "".join(each.text for each in found if isinstance(each, Delta)) == text
    assert [each for each in found if isinstance(each, Delta) and each.tool_calls] == [real]


def read_calls() -> list[ToolCallDelta]:
    leaks = MarkupLeaks(request(tools=True))
    found = leaks.cleaned([Delta(f"<tool_call>{CALL}</tool_call>"), Finished(Finish.STOP)], final=True)
    return [call for each in found if isinstance(each, Delta) for call in each.tool_calls]


def test_log_probabilities_stay_with_their_text() -> None:
    leaks = MarkupLeaks(request())
    first, last = (Delta(text, logprobs={"content": [{"token": text}]}) for text in ("Hi", "<|im_end|>"))
    found = leaks.cleaned([first, last, Finished(Finish.STOP)], final=True)
    assert [each for each in found if isinstance(each, Delta) and each.text] == [first]


def test_endless_call_is_passed_on_as_text() -> None:
    text = "<tool_call>{" + "x" * 500_000
    leaks = MarkupLeaks(request(tools=True))
    found = [each for text in ("<tool_call>{", "x" * 500_000, "y") for each in leaks.cleaned([Delta(text)])]
    assert "".join(each.text for each in found if isinstance(each, Delta)) == text + "y"


def test_refusal_after_the_beginning_of_a_call_comes_after_its_text() -> None:
    leaks = MarkupLeaks(request(tools=True))
    refusal = Delta("No.", is_refusal=True)
    found = leaks.cleaned([Delta("<tool_call>{"), refusal, Delta("x"), Finished(Finish.STOP)], final=True)
    texts = [each for each in found if isinstance(each, Delta) and each.text]
    assert texts == [Delta("<tool_call>{"), refusal, Delta("x")]


def test_long_words_before_a_call_keep_their_log_probabilities() -> None:
    leaks = MarkupLeaks(request(tools=True))
    one = Delta(f"Look: <tool_call>{CALL}</tool_call>", logprobs={"content": []})
    found = leaks.cleaned([one, Finished(Finish.STOP)], final=True)
    assert [(each.text, len(each.tool_calls)) for each in found if isinstance(each, Delta)] == [
        ("", 0),
        ("Look: ", 0),
        ("", 1),
    ]


def test_many_mentions_are_read_once() -> None:
    text = f"`<tool_call>{CALL}</tool_call>` " * 200
    assert read(request(tools=True), [text]) == (text, [])
