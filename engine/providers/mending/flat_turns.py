"""Turns in OpenAI's shape for chat templates that take no turns of the system, or demand that the roles alternate."""

from collections.abc import Sequence
from typing import Any

from engine.providers.mending.turns import NO_TEXT

_MERGED = frozenset({"user", "assistant"})


def without_system(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages with the texts of the system before the first text of the user."""
    texts = [str(message["content"]) for message in messages if message["role"] == "system" and message["content"]]
    others = [message for message in messages if message["role"] != "system"]
    if not texts:
        return others
    system = {"role": "user", "content": "\n\n".join(texts)}
    place = next((n for n, message in enumerate(others) if message["role"] == "user"), None)
    if place is None:
        return [system, *others]
    return [*others[:place], _merged(system, others[place]), *others[place + 1 :]]


def alternating(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages with those of one role in a row as one, the first one the user's."""
    found: list[dict[str, Any]] = []
    for message in messages:
        if found and _is_continued(found[-1], message):
            found[-1] = _merged(found[-1], message)
        else:
            found.append(message)
    first = next((n for n, message in enumerate(found) if message["role"] != "system"), len(found))
    if first < len(found) and found[first]["role"] == "assistant":
        found.insert(first, {"role": "user", "content": NO_TEXT})
    return found


def _is_continued(before: dict[str, Any], message: dict[str, Any]) -> bool:
    """Return whether two messages in a row can be one: tool calls stay with the results that follow them."""
    return before["role"] == message["role"] and message["role"] in _MERGED and not before.get("tool_calls")


def _merged(before: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    first, second = before["content"], message["content"]
    if not first or not second:
        content: Any = first or second
    elif isinstance(first, str) and isinstance(second, str):
        content = f"{first}\n\n{second}"
    else:
        content = [*_parts(first), *_parts(second)]
    return {**before, **message, "content": content}


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]
