"""Tool calls that a model wrote in its own format, and that its server passed on as text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.chat import Tool
from engine.providers.leaks.call_markup import (
    BEFORE_GEMMA,
    BEFORE_JSON,
    BEFORE_LINES,
    COMPLETE,
    HEADER,
    LISTED,
    NAMED,
    OTHERS,
    WITH_NAME,
    Listed,
)
from engine.providers.leaks.loose_values import value_at
from engine.providers.leaks.python_calls import MOST_CALLS, gemma_call, python_calls
from engine.providers.mending.tool_names import PLAIN_NAME, clients_name, safe_name

_BETWEEN = re.compile(r"[\s;]*")
_TEXTS = frozenset({"true", "string"})
_JSON_SIGNS = frozenset({"{", "["})
_read_json = json.JSONDecoder().raw_decode
_NAMES = ("name", "tool_name", "tool", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
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
        self.names = {name: tool.name for tool in tools for name in (tool.name, safe_name(tool.name, PLAIN_NAME))}
        self._openers = (
            *(_Opener(text, "{[") for text in BEFORE_JSON),
            *(_Opener(text, "c") for text in BEFORE_GEMMA),
            *(_Opener(text, "<") for text in OTHERS),
            *(_Opener(text) for text in COMPLETE),
            *(_Opener(form.format(name), after) for name in self.names for form, after in WITH_NAME),
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

    def is_broken(self, text: str) -> bool:
        """Return whether a text, which is no call, begins as a call of a tool and has no words after it.

        A text about such calls has words after their closing tags, or in the place of their arguments.
        """
        text = text[_skip(text, 0) :]
        for opener, closer in BEFORE_JSON.items():
            if text.startswith(opener) and self._goes_on(text, _skip(text, len(opener))):
                return self._names_tool(text) and not (closer and _goes_on_after(text, closer))
        named = next((begun for opening, _ in NAMED if (begun := opening.match(text))), None)
        if named is not None:
            return self._is_own(named) and _sign_at(text, _skip(text, named.end())) == "{"
        for form in LISTED:
            if begun := form.opening.match(text):
                end = _skip(text, begun.end())
                goes_on = _sign_at(text, end) in {"{", ""} or form.tag.match(text, end) is not None
                return self._is_own(begun) and goes_on
        return False

    def _goes_on(self, text: str, at: int) -> bool:
        """Return whether a JSON object, or a list of objects or calls, begins at `at`."""
        if _sign_at(text, at) != "[":
            return _sign_at(text, at) == "{"
        start = _skip(text, at + 1)
        return _sign_at(text, start) == "{" or any(text.startswith(name, start) for name in self.names)

    def _names_tool(self, text: str) -> bool:
        return any(name in text for name in self.names)

    def _is_own(self, begun: re.Match[str]) -> bool:
        return self._own(begun["name"]) in self._tools

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
        return self.of_tools(found)

    def of_tools(self, calls: list[WrittenCall]) -> list[WrittenCall]:
        """Return the calls; none if there are too many, or if one is of another tool."""
        return [] if len(calls) > MOST_CALLS or any(call.name not in self._tools for call in calls) else calls

    def calls_in(self, value: Any) -> Iterator[WrittenCall]:
        """Yield the calls in a value: one, a list of them, or an object with such a list. Raises NoCall."""
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise NoCall
            if isinstance(listed := each.get("tool_calls"), list) and len(each) == 1:
                yield from self.calls_in(listed)
                continue
            function = each.get("function")
            called = function if isinstance(function, dict) else each
            name, arguments = _name_of(called), _arguments_of(called)
            if name is None and len(called) == 1:  # Apertus
                ((name, arguments),) = called.items()
            if not isinstance(name, str):
                raise NoCall
            yield self._call(name, arguments)

    def calls_of(self, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> list[WrittenCall]:
        """Return the calls of these names and arguments."""
        return [self._call(name, arguments) for name, arguments in calls]

    def properties_of(self, name: str) -> Mapping[str, Any]:
        """Return the schemas of a tool's parameters, by their names."""
        properties = self._tools[name].parameters.get("properties") if name in self._tools else None
        return properties if isinstance(properties, Mapping) else {}

    def takes_any(self, name: str) -> bool:
        """Return whether a tool accepts parameters that its schema does not list."""
        schema = self._tools[name].parameters
        return not schema or bool(schema.get("additionalProperties"))

    def _read_at(self, text: str, at: int) -> tuple[list[WrittenCall], int]:
        header = HEADER.match(text, at)
        at = at if header is None else header.end()
        for opener, closer in BEFORE_JSON.items():
            if text.startswith(opener, at) and _sign_at(text, _skip(text, at + len(opener))) in _JSON_SIGNS:
                return self._read_values(text, at + len(opener), closer)
        for opener, closer in BEFORE_GEMMA.items():
            if text.startswith(opener, at):
                name, arguments, end = gemma_call(text, _skip(text, at + len(opener)))
                return self.calls_of([(name, arguments)]), _after_closer(text, end, closer)
        return self._read_named(text, at)

    def _read_values(self, text: str, at: int, closer: str) -> tuple[list[WrittenCall], int]:
        """Return the calls in the JSON values between an opener and `closer`, or in one list in Python's manner."""
        found: list[WrittenCall] = []
        while _sign_at(text, at := _skip(text, at)) in _JSON_SIGNS:
            try:
                value, at = _read_json(text, at)
            except ValueError:
                if not text.startswith("[", at):
                    value, at = value_at(text, at)
                else:
                    calls, at = python_calls(text, at)
                    found += self.calls_of(calls)
                    continue
            found += self.calls_in(value)
            if not closer or len(found) > MOST_CALLS:
                break
        return found, _after_closer(text, at, closer)

    def _read_named(self, text: str, at: int) -> tuple[list[WrittenCall], int]:
        for opening, closing in NAMED:
            if (begun := opening.match(text, at)) and _sign_at(text, start := _skip(text, begun.end())) == "{":
                _, stop = _read_json(text, start)
                return [self._call(begun["name"], text[start:stop])], _end_of(closing, text, stop)
        for form in LISTED:
            if begun := form.opening.match(text, at):
                arguments, stop = self._arguments(text, begun.end(), form, self._own(begun["name"]))
                return [self._call(begun["name"], arguments)], _end_of(form.closing, text, stop)
        for opener, closer in BEFORE_LINES.items():
            if text.startswith(opener, at):
                calls, end = python_calls(text, _skip(text, at + len(opener)))
                return self.calls_of(calls), _after_closer(text, end, closer)
        raise NoCall

    def _arguments(self, text: str, at: int, form: Listed, name: str) -> tuple[str, int]:
        """Return the arguments that are listed one by one, as JSON, and where they end."""
        at = _skip(text, at)
        if text.startswith("{", at):
            return text[at : (stop := _read_json(text, at)[1])], stop
        schemas, found = self.properties_of(name), dict[str, Any]()
        while listed := form.item.match(text, at):
            is_text = listed["string"] in _TEXTS or (not listed["string"] and _is_text(schemas.get(listed["key"])))
            found[listed["key"]] = listed["value"] if is_text else _value(listed["value"])
            at = _skip(text, listed.end())
        return _json(found), at

    def _call(self, name: str, arguments: Any) -> WrittenCall:
        written = arguments if isinstance(arguments, str) else _json(arguments)
        if not isinstance(json.loads(written or "{}"), dict):
            raise NoCall
        return WrittenCall(self._own(name), written or "{}")

    def _own(self, name: str) -> str:
        return clients_name(name, self.names)


def _name_of(called: Mapping[str, Any]) -> Any:
    return next((called[name] for name in _NAMES if called.get(name)), None)


def _arguments_of(called: Mapping[str, Any]) -> Any:
    return next((called[name] for name in _ARGUMENTS if called.get(name) is not None), {})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _goes_on_after(text: str, closer: str) -> bool:
    """Return whether words follow the last `closer`."""
    return bool(closer in text and text.rpartition(closer)[2].strip())


def _sign_at(text: str, at: int) -> str:
    return text[at : at + 1]


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _after_closer(text: str, at: int, closer: str) -> int:
    end = _skip(text, at)
    return end + len(closer) if text.startswith(closer, end) else end


def _end_of(closing: re.Pattern[str], text: str, at: int) -> int:
    """Return where the end of a call ends. Raises NoCall if it is missing."""
    if (found := closing.match(text, _skip(text, at))) is None:
        raise NoCall
    return found.end()


def _is_text(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "string"


def _value(text: str) -> Any:
    """Return a value that is JSON, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
