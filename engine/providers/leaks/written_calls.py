"""Tool calls that a model wrote in its own format, and that its server passed on as text."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.chat import Tool
from engine.providers.mending.tool_names import PLAIN_NAME, clients_name, safe_name

# ruff: noqa: RUF001 - the tokens' own letters
_BEFORE_JSON = {
    "<tool_call>": "</tool_call>",  # Hermes, Qwen
    "<tool_calls>": "</tool_calls>",  # Hunyuan, Jamba
    "<|tool_call|>": "<|/tool_call|>",  # Granite, Phi-4
    "<|python_tag|>": "",  # Llama 3
    "[TOOL_CALLS]": "[/TOOL_CALLS]",  # Mistral
    "<|START_ACTION|>": "<|END_ACTION|>",  # Command
}
_OTHERS = (
    *("<tool_call>", "<function_calls>", "<minimax:tool_call>"),
    *("<｜DSML｜function_calls>", "<｜DSML｜tool_calls>", "<｜tool▁calls▁begin｜>", "<|tool_calls_section_begin|>"),
)
_OF_CHANNEL = (
    "<|channel|>commentary to=functions.",
    "<|start|>assistant<|channel|>commentary to=functions.",
    "<|start|>assistant to=functions.",
)
_WITH_NAME = (
    ("<tool_call>{}", "<\n"),  # GLM
    ("<function={}>", "{<"),  # Llama 3.1, Qwen coder
    ("[TOOL_CALLS]{}", "[{"),  # Mistral
)
_NAME = r"\s*(?P<name>[^\s<>\[\]{}]{1,200}?)\s*"
_NAMED = tuple(
    (re.compile(opening, re.DOTALL), re.compile(closing, re.DOTALL))
    for opening, closing in (
        (rf"<function={_NAME}>", r"(?:</function>)?"),
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
                rf"(?:<\|start\|>assistant)?(?:<\|channel\|>commentary)? to=functions\.{_NAME}"
                r"(?:<\|channel\|>commentary)?\s*(?:<\|constrain\|>)?(?:json)?\s*<\|message\|>"
            ),
            r"(?:<\|call\|>)?",
        ),
    )
)
_LISTS = tuple(
    (re.compile(opening), re.compile(item, re.DOTALL), re.compile(closing))
    for opening, item, closing in (
        (
            (
                rf"(?:<(?:｜DSML｜)?(?:function_calls|tool_calls|minimax:tool_call)>\s*)?"
                rf"<(?:｜DSML｜)?invoke name=\"{_NAME}\"\s*>"
            ),
            (
                r"<(?:｜DSML｜)?parameter name=\"(?P<key>[^\"]{1,200})\"(?: string=\"(?P<string>true|false)\")?\s*>"
                r"(?P<value>.*?)</(?:｜DSML｜)?parameter>"
            ),
            r"</(?:｜DSML｜)?invoke>(?:\s*</(?:｜DSML｜)?(?:function_calls|tool_calls|minimax:tool_call)>)?",
        ),
        (
            rf"(?:<tool_call>\s*)?<function={_NAME}>",
            r"<parameter=(?P<key>[^>]{1,200})>(?P<string>)\n?(?P<value>.*?)\n?</parameter>",
            r"</function>(?:\s*</tool_call>)?",
        ),
        (
            rf"<tool_call>{_NAME}(?=<)",
            r"<arg_key>(?P<key>[^<]{1,200})</arg_key>\s*<arg_value>(?P<string>)(?P<value>.*?)</arg_value>",
            r"</tool_call>",
        ),
    )
)
_BETWEEN = re.compile(r"[\s;]*")
_read_json = json.JSONDecoder().raw_decode
_MOST_CALLS = 128
_HEAD_CHARS = 5  # of an opener
_MOST_BLANKS = 16  # after an opener


class WrittenCall(NamedTuple):
    name: str
    arguments: str


class NoCall(Exception):
    """The text is no tool call, or a broken one."""


@dataclass(frozen=True, slots=True)
class _Opener:
    """The beginning of a call. After it and blanks, one of `following` must come; any character if it is empty."""

    text: str
    following: str = ""

    def may_begin(self, text: str, at: int) -> bool | None:
        """Return whether a call begins at `at`; None if more text is needed."""
        given = text[at : at + len(self.text)]
        if len(given) < len(self.text):
            return None if self.text.startswith(given) else False
        if given != self.text:
            return False
        end = at + len(self.text)
        if self.following[-1:] == "\n" and text[end : end + 1] == "\n":
            return True
        rest = text[end : end + _MOST_BLANKS].lstrip()
        if not rest:
            return None if len(text) - end < _MOST_BLANKS else False
        return not self.following or rest[0] in self.following


class WrittenCalls:
    """Finds and reads the calls of `tools` in a text."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._names = {name: tool.name for tool in tools for name in (tool.name, safe_name(tool.name, PLAIN_NAME))}
        self._openers = (
            *(_Opener(text, "{[") for text in _BEFORE_JSON),
            *(_Opener(text, "<") for text in _OTHERS),
            *(_Opener(text) for text in _OF_CHANNEL),
            *(_Opener(form.format(name), after) for name in self._names for form, after in _WITH_NAME),
        )
        self._heads = {opener.text[:_HEAD_CHARS] for opener in self._openers}

    def is_likely(self, text: str, at: int) -> bool:
        """Return whether a call may begin at `at`, by the first characters. It rules most texts out fast."""
        head = text[at : at + _HEAD_CHARS]
        return head in self._heads if len(head) == _HEAD_CHARS else any(each.startswith(head) for each in self._heads)

    def begins_at(self, text: str, at: int) -> bool | None:
        """Return whether a call begins at `at`; None if that depends on more text."""
        found = {opener.may_begin(text, at) for opener in self._openers}
        return True if True in found else (None if None in found else False)

    def names_tool(self, text: str) -> bool:
        """Return whether a text contains the name of a tool."""
        return any(name in text for name in self._names)

    def read(self, text: str) -> list[WrittenCall]:
        """Return the calls that a text consists of.

        If words follow a call, or if it calls another tool, the list is empty. Raises NoCall for a broken call.
        """
        found: list[WrittenCall] = []
        at = _skip(text, 0)
        while at < len(text):
            try:
                calls, at = self._read_at(text, at)
            except (NoCall, ValueError, RecursionError) as error:
                if found and self.begins_at(text, at) is False:
                    return []
                raise NoCall from error
            found += calls
            at = _skip(text, at)
        if len(found) > _MOST_CALLS or any(call.name not in self._tools for call in found):
            return []
        return found

    def _read_at(self, text: str, at: int) -> tuple[list[WrittenCall], int]:
        for opener, closer in _BEFORE_JSON.items():
            if text.startswith(opener, at) and text[_skip(text, at + len(opener)) :][:1] in {"{", "["}:
                value, end = _read_json(text, _skip(text, at + len(opener)))
                end = _skip(text, end)
                return list(self._calls_in(value)), end + (len(closer) if text.startswith(closer, end) else 0)
        return self._read_named(text, at)

    def _read_named(self, text: str, at: int) -> tuple[list[WrittenCall], int]:
        for opening, closing in _NAMED:
            if (begun := opening.match(text, at)) and text[_skip(text, begun.end()) :][:1] == "{":
                start = _skip(text, begun.end())
                _, stop = _read_json(text, start)
                return [self._call(begun["name"], text[start:stop])], _end_of(closing, text, stop)
        for opening, item, closing in _LISTS:
            if begun := opening.match(text, at):
                arguments, stop = self._arguments(text, begun.end(), item, self._own(begun["name"]))
                return [self._call(begun["name"], arguments)], _end_of(closing, text, stop)
        raise NoCall

    def _arguments(self, text: str, at: int, item: re.Pattern[str], name: str) -> tuple[str, int]:
        """Return the arguments that are listed one by one, as JSON, and where they end."""
        at = _skip(text, at)
        if text.startswith("{", at):
            return text[at : (stop := _read_json(text, at)[1])], stop
        tool, found = self._tools.get(name), dict[str, Any]()
        while listed := item.match(text, at):
            is_text = listed["string"] == "true" or (not listed["string"] and _is_text(tool, listed["key"]))
            found[listed["key"]] = listed["value"] if is_text else _value(listed["value"])
            at = _skip(text, listed.end())
        return _json(found), at

    def _calls_in(self, value: Any) -> Iterator[WrittenCall]:
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise NoCall
            function = each.get("function")
            called = function if isinstance(function, dict) else each
            name = called.get("name") or called.get("tool_name") or called.get("function")
            arguments = called.get("arguments", called.get("parameters", {}))
            if not isinstance(name, str):
                raise NoCall
            yield self._call(name, arguments if isinstance(arguments, str) else _json(arguments))

    def _call(self, name: str, arguments: str) -> WrittenCall:
        if not isinstance(json.loads(arguments or "{}"), dict):
            raise NoCall
        return WrittenCall(self._own(name), arguments or "{}")

    def _own(self, name: str) -> str:
        return clients_name(name, self._names)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _end_of(closing: re.Pattern[str], text: str, at: int) -> int:
    """Return where the end of a call ends. Raises NoCall if it is missing."""
    if (found := closing.match(text, _skip(text, at))) is None:
        raise NoCall
    return found.end()


def _is_text(tool: Tool | None, name: str) -> bool:
    properties = (tool.parameters if tool else {}).get("properties")
    schema = properties.get(name) if isinstance(properties, Mapping) else None
    return isinstance(schema, Mapping) and schema.get("type") == "string"


def _value(text: str) -> Any:
    """Return a value that is JSON, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
