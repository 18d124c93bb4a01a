"""The formats in which models write tool calls. Sources: the parsers of vLLM, SGLang and llama.cpp."""

import re
from typing import NamedTuple

# ruff: noqa: RUF001 - the tokens' own letters
BEFORE_JSON = {
    "<tool_call>": "</tool_call>",  # Hermes, Qwen
    "<tool_calls>": "</tool_calls>",  # Hunyuan, Jamba, MiniMax M1
    "<|tool_call|>": "<|/tool_call|>",  # Granite, Phi-4
    "<|python_tag|>": "",  # Llama 3
    "[TOOL_CALLS]": "[/TOOL_CALLS]",  # Mistral
    "<|START_ACTION|>": "<|END_ACTION|>",  # Command
    "<|tool_call_start|>": "<|tool_call_end|>",  # LFM2
    "<|python_start|>": "<|python_end|>",  # Llama 4
    "<|tools_prefix|>": "<|tools_suffix|>",  # Apertus
    "<longcat_tool_call>": "</longcat_tool_call>",
    "<function_call>": "</function_call>",  # Granite 20B
    "<TOOLCALL>": "</TOOLCALL>",  # Nemotron
    "<|action_start|><|plugin|>": "<|action_end|>",  # InternLM
    "<|action_start|> <|plugin|>": "<|action_end|>",
    "<|content_invoke_tool_json|>": "<|end_message|>",  # Inkling
}
"""Openers before a JSON value or a list of calls in Python's manner, and what may close them."""
BEFORE_GEMMA = {"<|tool_call>": "<tool_call|>", "<start_function_call>": "<end_function_call>"}
BEFORE_LINES = {"<function_calls>": "</function_calls>"}  # OLMo: calls in Python's manner, one on each line
OTHERS = (
    *(
        "<tool_call>",
        "<tool_calls>",
        "<function_calls>",
        "<minimax:tool_call>",
        "<seed:tool_call>",
        "<longcat_tool_call>",
    ),
    *("<｜DSML｜function_calls>", "<｜DSML｜tool_calls>", "<｜DSML｜ calls>"),
    *("<｜tool▁calls▁begin｜>", "<｜tool_calls_begin｜>", "<|tool_calls_section_begin|>"),
    *("<antml:function_calls>", "<|open|>tools<|sep|>", "<|close|>response<|sep|><|open|>tools<|sep|>"),
)
"""Openers before a further tag."""
COMPLETE = (
    "<|channel|>commentary to=functions.",
    "<|channel|>analysis to=functions.",
    "<|start|>assistant<|channel|>commentary to=functions.",
    "<|start|>assistant to=functions.",
    "<|message_model|>",
    *("<｜tool▁call▁begin｜>", "<|tool_call_begin|>functions."),
)
WITH_NAME = (
    ("<tool_call>{}", "<\n"),  # GLM
    ("<longcat_tool_call>{}", "<\n"),
    ("<function={}>", "{<"),  # Llama 3.1, Qwen coder
    ("<function={}", "{"),
    ("[TOOL_CALLS]{}", "[{"),  # Mistral
    ("<function_calls>\n{}", "("),  # OLMo
    ('<invoke name="{}">', "<{\n"),  # without the tag around it
    ('<antml:invoke name="{}">', "<{\n"),
    ('<｜DSML｜invoke name="{}">', "<{\n"),
    ('<｜DSML｜ invoke name="{}">', "<{\n"),
    ('<steptml:invoke name="{}">', "<{\n"),
)
"""Openers with the name of a tool, and the signs of which one follows."""
_NAME = r"\s*(?P<name>[^\s<>\[\]{}\"']{1,200}?)\s*"
HEADER = re.compile(r"<\|message_model\|>[^<]{0,200}(?=<\|content_invoke_tool_json\|>)")
"""A header before BEFORE_JSON."""
NAMED = tuple(
    (re.compile(opening, re.DOTALL), re.compile(closing, re.DOTALL))
    for opening, closing in (
        (rf"<function={_NAME}>?(?=\s*\{{)", r"(?:</?function>)?"),
        (rf"\[TOOL_CALLS\]{_NAME}(?:\[CALL_ID\]\w+)?(?:\[ARGS\])?(?=\s*\{{)", ""),
        (
            (
                rf"(?:<｜tool▁calls▁begin｜>\s*)?<｜tool▁call▁begin｜>(?:function<｜tool▁sep｜>)?{_NAME}"
                r"(?:<｜tool▁sep｜>|```json)"
            ),
            r"(?:```\s*)?<｜tool▁call▁end｜>(?:\s*<｜tool▁calls▁end｜>)?",
        ),
        (
            rf"(?:<\|tool_calls_section_begin\|>\s*)?<\|tool_call_begin\|>{_NAME}<\|tool_call_argument_begin\|>",
            r"<\|tool_call_end\|>(?:\s*<\|tool_calls_section_end\|>)?",
        ),
        (
            (
                rf"(?:<\|start\|>assistant)?(?:<\|channel\|>(?:commentary|analysis))? to=functions\.{_NAME}"
                r"(?:<\|channel\|>(?:commentary|analysis))?\s*(?:<\|constrain\|>)?(?:json|code)?\s*<\|message\|>"
            ),
            r"(?:<\|call\|>)?",
        ),
    )
)
"""(before the arguments as one JSON object, after them)."""


class Listed(NamedTuple):
    """A format that lists the arguments one by one.

    `item` has the groups `key`, `value`, and `string`: whether the value is a text; empty: by the tool's schema.
    `tag`: the beginning of an item or of the closing tag.
    """

    opening: re.Pattern[str]
    item: re.Pattern[str]
    closing: re.Pattern[str]
    tag: re.Pattern[str]


def _listed(opening: str, item: str, closing: str, tag: str) -> Listed:
    return Listed(re.compile(opening), re.compile(item, re.DOTALL), re.compile(closing), re.compile(tag))


_OUTER = "(?:function_calls|tool_calls|minimax:tool_call| calls)"
_TAG = "(?:antml:|｜DSML｜ ?|steptml:)?"
LISTED = (
    _listed(
        (
            rf"(?:<｜tool_calls_begin｜>\s*)?(?:<｜tool_call_begin｜>function<｜tool_sep｜>\s*)?"
            rf"(?:<(?:antml:|｜DSML｜)?{_OUTER}>\s*)?<{_TAG}invoke name=[\"']?{_NAME}[\"']?\s*>"
        ),
        (
            rf"<{_TAG}parameter name=[\"']?(?P<key>[^\"'>]{{1,200}})[\"']?(?: string=\"(?P<string>true|false)\")?\s*>"
            rf"(?P<value>.*?)</{_TAG}parameter>"
        ),
        (
            rf"</{_TAG}invoke>(?:\s*</(?:antml:|｜DSML｜)?{_OUTER}>)?"
            r"(?:\s*<｜tool_call_end｜>)?(?:\s*<｜tool_calls_end｜>)?"
        ),
        rf"<{_TAG}parameter|</{_TAG}invoke",
    ),
    _listed(
        rf"(?:<(?:seed:)?tool_call>\s*)?<function={_NAME}>",
        (
            r"<parameter=(?P<key>[^>]{1,200})>(?P<string>)\n?(?P<value>.*?)\n?"
            r"(?:</parameter>|(?=<parameter=)|(?=</function>))"
        ),
        r"</function>(?:\s*</(?:seed:)?tool_call>)?",
        "<parameter=|</function",
    ),
    _listed(
        rf"(?:<tool_calls>\s*)?<(?:longcat_)?tool_call>{_NAME}(?:<tool_sep>\s*)?(?=<)",
        (
            r"<(?:longcat_)?arg_key>(?P<key>[^<]{1,200})</(?:longcat_)?arg_key>\s*"
            r"<(?:longcat_)?arg_value>(?P<string>)(?P<value>.*?)</(?:longcat_)?arg_value>"
        ),
        r"</(?:longcat_)?tool_call>(?:\s*</tool_calls>)?",
        r"<(?:longcat_)?arg_key|</(?:longcat_)?tool_call",
    ),
    _listed(
        (
            r"(?:<\|close\|>response<\|sep\|>)?(?:<\|open\|>tools<\|sep\|>\s*)?"
            r"<\|open\|>call tool=\"(?P<name>[^\"]{1,200})\"[^<]{0,100}<\|sep\|>"
        ),
        (
            r"<\|open\|>argument key=\"(?P<key>[^\"]{1,200})\"(?: type=\"(?P<string>\w{1,20})\")?<\|sep\|>"
            r"(?P<value>.*?)<\|close\|>argument<\|sep\|>"
        ),
        r"<\|close\|>call<\|sep\|>(?:\s*<\|close\|>tools<\|sep\|>)?(?:\s*<\|close\|>message<\|sep\|>)?",
        r"<\|open\|>argument|<\|close\|>call",
    ),
)
