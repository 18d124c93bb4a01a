"""Tool calls without any token of a model around them, as the whole of an answer.

They count only where nothing else is in the answer, where they name a tool of the request, and where all arguments are
parameters of that tool.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from engine.chat import ChatRequest, Role
from engine.json_limits import parsed
from engine.providers.leaks.loose_values import after_blanks, value_at
from engine.providers.leaks.python_calls import gemma_call, python_calls
from engine.providers.leaks.written_calls import NoCall, WrittenCall, WrittenCalls

SIGNS = frozenset('{[`c>fA"')
"""The signs with which such a call may begin."""
_MOST_HEAD_CHARS = 600  # of an answer, in which the name of a tool must come
_BLANKS = re.compile(r"\s+")
_BEFORE_JSON = ("", "```json", "```tool_call", "```", "Action:```json", "functools", "functioncall<|role_sep|>")
_JSON_HEADS = tuple(
    before + begin + head
    for before in _BEFORE_JSON
    for begin in ("", "[", '{"tool_calls":[')
    for head in (
        *(
            '{"name":"',
            '{"type":"function","name":"',
            '{"function":{"name":"',
            '{"type":"function","function":{"name":"',
        ),
        *('{"tool_name":"', '{"tool":"', '{"function":"'),
    )
)
_PYTHON_HEADS = ("[", "```tool_code", "```tool_code[", "```tool_codeprint(", "```python[")
_GEMMA_HEADS = ("call:",)
_FUNCTIONARY_HEADS = (">>>",)
_HEADS = (
    *((head, '"') for head in _JSON_HEADS),
    *((head, "(") for head in _PYTHON_HEADS),
    *((head, "{") for head in _GEMMA_HEADS + _FUNCTIONARY_HEADS),
)
_NAMESPACES = ("", "default_api.", "default_api:", "functions.")
_WRAPPED = re.compile(
    r"(?:Action:\s*)?```(?:json|tool_call|tool_code|python)?\s(?P<fenced>.*?)\s*```"
    r"|(?:functools|function call<\|role_sep\|>)?\s*(?P<plain>.*)",
    re.DOTALL,
)
_FUNCTIONARY = re.compile(r">>>(?P<name>[\w.-]{1,200})\s*(?P<arguments>\{.*\})", re.DOTALL)
_BETWEEN = re.compile(r"[\s;,]*")
_ABOUT_CALLS = re.compile(r"(?:tool|function)[ _-]?call", re.IGNORECASE)
_ABOUT_FORMS = re.compile(r"json|format|syntax|example|snippet|code block|(?:tool|function)[ _-]?call", re.IGNORECASE)


class BareCalls:
    """Finds and reads calls of the tools of `request` that are the whole of its answer."""

    def __init__(self, request: ChatRequest, calls: WrittenCalls) -> None:
        self._calls = calls
        last = next((turn.text for turn in reversed(request.messages) if turn.role is Role.USER), "")
        self._may_come = not request.options.wants_json and not _ABOUT_CALLS.search(last)
        self._may_be_fenced = not _ABOUT_FORMS.search(last)
        self._names = tuple(space + name for name in calls.names for space in _NAMESPACES)

    def begins(self, text: str) -> bool | None:
        """Return whether an answer that begins with `text` begins with a call; None if more text is needed."""
        if not self._may_come:
            return False
        head = _BLANKS.sub("", text[:_MOST_HEAD_CHARS]).replace("'", '"')
        if head.startswith(("`", "Action")) and not self._may_be_fenced:
            return False
        found = {self._follows(head, begin, closer) for begin, closer in _HEADS}
        return True if True in found else (None if None in found and len(text) < _MOST_HEAD_CHARS else False)

    def read(self, text: str) -> list[WrittenCall]:
        """Return the calls that an answer consists of; none if it is anything else."""
        try:
            found = self._calls.of_tools(self._read(text.strip()))
        except (NoCall, ValueError, RecursionError):
            return []
        return found if all(self._fits(call) for call in found) else []

    def _follows(self, head: str, begin: str, closer: str) -> bool | None:
        """Return whether the name of a tool follows on `begin`."""
        if len(head) <= len(begin):
            return None if begin.startswith(head) else False
        if not head.startswith(begin):
            return False
        rest = head[len(begin) :]
        if any(rest.startswith(name + closer) for name in self._names):
            return True
        return None if any((name + closer).startswith(rest) for name in self._names) else False

    def _read(self, text: str) -> list[WrittenCall]:
        if (said := _FUNCTIONARY.fullmatch(text)) is not None:
            return self._calls.calls_of([(said["name"], parsed(said["arguments"]))])
        wrapped = _WRAPPED.fullmatch(text)
        inner = text if wrapped is None else wrapped["fenced"] or wrapped["plain"] or ""
        if inner.startswith("call:"):
            return self._read_gemma(inner)
        if inner[:1] not in {"{", "["} or (inner[:1] == "[" and inner[1:].lstrip()[:1] not in {"{", "["}):
            calls, end = python_calls(inner, 0)
            return self._whole(self._calls.calls_of(calls), inner, end)
        return self._read_values(inner)

    def _read_gemma(self, text: str) -> list[WrittenCall]:
        found, at = list[WrittenCall](), 0
        while at < len(text):
            name, arguments, at = gemma_call(text, at)
            found += self._calls.calls_of([(name, arguments)])
            at = after_blanks(text, at)
        return found

    def _read_values(self, text: str) -> list[WrittenCall]:
        found, at = list[WrittenCall](), 0
        while at < len(text):
            value, at = value_at(text, at)
            found += self._calls.calls_in(value)
            between = _BETWEEN.match(text, at)
            at = at if between is None else between.end()
        return found

    def _whole(self, calls: list[WrittenCall], text: str, end: int) -> list[WrittenCall]:
        return calls if after_blanks(text, end) == len(text) else []

    def _fits(self, call: WrittenCall) -> bool:
        """Return whether all arguments of a call are parameters of its tool."""
        known: Mapping[str, Any] = self._calls.properties_of(call.name)
        return json.loads(call.arguments).keys() <= known.keys() or self._calls.takes_any(call.name)
