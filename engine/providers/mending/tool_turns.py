"""Tool calls paired with their results: each assistant's turn with calls is followed by one result per call."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from engine.chat import Message, Part, Role, Text, ToolCall
from engine.json_limits import parsed
from engine.providers.mending.tool_names import UNNAMED_TOOL
from engine.providers.tool_ids import plain, signature_in

NO_RESULT = "(no result)"


@dataclass(slots=True)
class _Turn:
    """The results that belong to one turn with calls, each with its place in the history.

    They are kept by the call's id, and if they have none, by the call's name.
    """

    by_id: defaultdict[str, deque[tuple[int, Message]]] = field(default_factory=lambda: defaultdict(deque))
    by_name: defaultdict[str, deque[tuple[int, Message]]] = field(default_factory=lambda: defaultdict(deque))

    def answers(self, calls: Sequence[ToolCall], used: set[int]) -> Iterator[Message]:
        """Yield the result of each call, in the order of the calls; add the places of all results to `used`."""
        left = Counter(plain(call.id) for call in calls)
        for call in calls:
            own = plain(call.id)
            left[own] -= 1
            chosen = (call.id and self._of_id(own, is_last=not left[own])) or self._without_id(call.name)
            used.update(place for place, _ in chosen)
            parts = _joined([result.parts for _, result in chosen])
            failed = any(result.is_error for _, result in chosen)
            yield Message(Role.TOOL, parts or (Text(NO_RESULT),), (), call.id, call.name, is_error=failed)

    def _of_id(self, call_id: str, *, is_last: bool) -> list[tuple[int, Message]]:
        """Return the next result of an id; for the last call with this id all that are left.

        No result is sent twice: a client would pay for it once.
        """
        waiting = self.by_id[call_id]
        return [waiting.popleft() for _ in range(len(waiting) if is_last else min(1, len(waiting)))]

    def _without_id(self, name: str) -> list[tuple[int, Message]]:
        """Return the result without an id for a call of this name: the first of its name, else the first without."""
        waiting = self.by_name[name] or self.by_name[""]
        return [waiting.popleft()] if waiting else []


@dataclass(slots=True)
class _Ids:
    """The ids of a request's calls in the provider's form. A repeated id gets a number."""

    form: Callable[[str], str]
    _taken: set[str] = field(default_factory=set)
    _numbers: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, call_id: str) -> str:
        # the number goes before a signature, which must stay at the end
        wanted = plain(call_id) or f"call_{len(self._taken)}"
        while True:
            number = self._numbers[wanted]
            self._numbers[wanted] += 1
            form = self.form(f"{wanted}_{number}" if number else wanted)
            if form not in self._taken:
                self._taken.add(form)
                return form


def paired(
    messages: Sequence[Message], call_id: Callable[[str], str], tool_name: Callable[[str], str]
) -> tuple[Message, ...]:
    """Return the messages with the results after their calls, in the order of the calls.

    Providers refuse calls without a result, results without a call, and repeated ids. A call without a result gets an
    empty one; a result without a call becomes a text of the user. A result without an id belongs to the next call of
    its name, or else to the next call without a result. `call_id` and `tool_name` bring ids and names into a provider's
    form; a signature that an id contained becomes the call's `signature`.
    """
    used: set[int] = set()
    answers = {place: list(turn.answers(messages[place].tool_calls, used)) for place, turn in _turns(messages).items()}
    ids, found = _Ids(call_id), list[Message]()
    for place, message in enumerate(messages):
        if place in answers:
            found += _with_ids(message, answers[place], ids, tool_name)
        elif message.role is not Role.TOOL:
            found.append(message)
        elif place not in used:
            found.append(_as_text(message))
    return tuple(found)


def _turns(messages: Sequence[Message]) -> dict[int, _Turn]:
    """Return the turns with calls, by their places. A result belongs to the last turn before it that has its id."""
    turns, owners = dict[int, _Turn](), dict[str, _Turn]()
    last = _Turn()
    for place, message in enumerate(messages):
        if message.tool_calls:
            last = turns[place] = _Turn()
            owners.update((plain(call.id), last) for call in message.tool_calls if call.id)
        elif message.role is Role.TOOL and not message.tool_call_id:
            last.by_name[message.name].append((place, message))
        elif message.role is Role.TOOL and (owner := owners.get(plain(message.tool_call_id))) is not None:
            owner.by_id[plain(message.tool_call_id)].append((place, message))
    return turns


def _joined(results: Sequence[tuple[Part, ...]]) -> tuple[Part, ...]:
    """Return the parts of several results of one call, joined as one result."""
    parts: list[Part] = []
    for number, each in enumerate(results):
        parts += (Text("\n"), *each) if number else each
    return tuple(parts)


def _with_ids(
    message: Message, answers: list[Message], forms: _Ids, tool_name: Callable[[str], str]
) -> Iterator[Message]:
    """Yield a turn and its results with ids and names in the provider's form."""
    ids = [forms.take(call.id) for call in message.tool_calls]
    names = [tool_name(call.name) if call.name else UNNAMED_TOOL for call in message.tool_calls]
    calls = zip(message.tool_calls, ids, names, strict=True)
    yield structs.replace(
        message,
        tool_calls=tuple(
            ToolCall(id_, name, call.arguments, call.signature or signature_in(call.id)) for call, id_, name in calls
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
        found = parsed(text or "{}")  # writing a very deep value into the request would fail
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"value": found}
