"""Tool calls paired with their results: each assistant's turn with calls is followed by one result per call."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from engine.chat import Message, Part, Role, Text, ToolCall
from engine.json_limits import too_deep
from engine.providers.mending.tool_names import UNNAMED_TOOL
from engine.providers.tool_ids import plain, signature_in

NO_RESULT = "(no result)"


@dataclass(slots=True)
class _Result:
    """A result in the history, and the position of its message. `is_used`: it was paired with a call."""

    place: int
    message: Message
    is_used: bool = False


def paired(
    messages: Sequence[Message], call_id: Callable[[str], str], tool_name: Callable[[str], str]
) -> tuple[Message, ...]:
    """Return the messages with the results after their calls, in the order of the calls.

    Providers refuse calls without a result, results without a call, and repeated ids. A call without a result gets an
    empty one; a result without a call becomes a text of the user. A result without an id belongs to the next call of
    its name, or else to the next call without a result. `call_id` and `tool_name` bring ids and names into a provider's
    form; a signature that an id contained becomes the call's `signature`.
    """
    results = {place: _Result(place, message) for place, message in enumerate(messages) if message.role is Role.TOOL}
    taken_ids: set[str] = set()
    found: list[Message] = []
    answers: dict[int, list[Message]] = {}
    for place, message in enumerate(messages):
        if message.tool_calls:
            answers[place] = list(_answered(place, messages, results))
    for place, message in enumerate(messages):
        if place in answers:
            found += _with_ids(message, answers[place], (call_id, tool_name), taken_ids)
        elif message.role is not Role.TOOL:
            found.append(message)
        elif not results[place].is_used:
            found.append(_as_text(message))
    return tuple(found)


def _answered(place: int, messages: Sequence[Message], results: dict[int, _Result]) -> Iterator[Message]:
    """Yield the result of each call of a turn, in the order of the calls."""
    calls = messages[place].tool_calls
    end = next((n for n in range(place + 1, len(messages)) if _repeats_an_id(messages[n], calls)), len(messages))
    waiting = [result for n, result in results.items() if place < n < end]
    by_id = [[result for result in waiting if _is_of(result.message, call)] for call in calls]
    for own in by_id:
        for result in own:
            result.is_used = True
    next_calls = next((n for n in range(place + 1, end) if messages[n].tool_calls), end)
    unnamed = [result for result in waiting if result.place < next_calls and not result.message.tool_call_id]
    for call, own in zip(calls, by_id, strict=True):
        chosen = own or _without_id(call, unnamed)
        for result in chosen:
            result.is_used = True
        parts = _joined([result.message.parts for result in chosen])
        failed = any(result.message.is_error for result in chosen)
        yield Message(Role.TOOL, parts or (Text(NO_RESULT),), (), call.id, call.name, is_error=failed)


def _is_of(result: Message, call: ToolCall) -> bool:
    return bool(call.id) and plain(result.tool_call_id) == plain(call.id)


def _repeats_an_id(message: Message, calls: Sequence[ToolCall]) -> bool:
    """Return whether a later turn uses the id of one of `calls` again: results after it belong to the later call."""
    ids = {plain(call.id) for call in calls if call.id}
    return any(plain(later.id) in ids for later in message.tool_calls)


def _without_id(call: ToolCall, unnamed: list[_Result]) -> list[_Result]:
    """Return the result without an id that belongs to `call`: the first of its name, else the first without name."""
    free = [result for result in unnamed if not result.is_used]
    named = [result for result in free if result.message.name == call.name]
    return (named or [result for result in free if not result.message.name])[:1]


def _joined(results: Sequence[tuple[Part, ...]]) -> tuple[Part, ...]:
    """Return the parts of several results of one call, joined as one result."""
    parts: list[Part] = []
    for number, each in enumerate(results):
        parts += (Text("\n"), *each) if number else each
    return tuple(parts)


def _with_ids(
    message: Message,
    answers: list[Message],
    forms: tuple[Callable[[str], str], Callable[[str], str]],
    taken_ids: set[str],
) -> Iterator[Message]:
    """Yield a turn and its results with ids and names in the provider's form. A repeated id gets a number."""
    call_id, tool_name = forms
    ids: list[str] = []
    for call in message.tool_calls:
        # the number goes before a signature, which must stay at the end
        wanted, number = plain(call.id) or f"call_{len(taken_ids)}", 0
        while (form := call_id(f"{wanted}_{number}" if number else wanted)) in taken_ids:
            number += 1
        taken_ids.add(form)
        ids.append(form)
    names = [tool_name(call.name) if call.name else UNNAMED_TOOL for call in message.tool_calls]
    calls = zip(message.tool_calls, ids, names, strict=True)
    yield structs.replace(
        message,
        tool_calls=tuple(
            replace(call, id=id_, name=name, signature=call.signature or signature_in(call.id))
            for call, id_, name in calls
        ),
    )
    for answer, id_, name in zip(answers, ids, names, strict=True):
        yield structs.replace(answer, tool_call_id=id_, name=name)


def _as_text(result: Message) -> Message:
    """Return a result that has no call as a text of the user."""
    head = f"Result of {result.name}: " if result.name else "Result of a tool: "
    return Message(Role.USER, (Text(head), *result.parts))


def arguments_object(text: str) -> dict[str, Any]:
    """Return a call's arguments as an object, even if the model wrote invalid JSON or another value."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {"text": text}
    if too_deep(found):  # writing such a deep value into the request would fail
        return {"text": text}
    return found if isinstance(found, dict) else {"value": found}
