"""Turns of a conversation as a provider takes them: no blank ones, and a turn of the user where one is needed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.chat import Message, Role, Text
from engine.providers.mending.tool_names import safe_name
from engine.providers.mending.tool_turns import paired

NO_TEXT = "(no text)"


@dataclass(frozen=True, slots=True)
class TurnRules:
    """The form in which a provider takes turns.

    `call_id` brings the id of a tool call into its form; `tool_name` is the form of the names of tools.
    `refuses_blank`: it refuses turns and texts without content. `needs_user`: it refuses a request without a turn of
    the user. `begins_with_user`: the first turn must be the user's.
    """

    call_id: Callable[[str], str]
    tool_name: re.Pattern[str]
    refuses_blank: bool = False
    needs_user: bool = False
    begins_with_user: bool = False


def mended_turns(messages: Sequence[Message], rules: TurnRules) -> Sequence[Message]:
    """Return the messages by the rules of a provider."""
    found = messages
    if any(message.tool_calls or message.role is Role.TOOL for message in messages):
        found = paired(messages, rules.call_id, lambda name: safe_name(name, rules.tool_name))
    if rules.refuses_blank:
        found = [kept for message in found if (kept := _without_blanks(message)) is not None]
    if rules.needs_user:
        found = _with_user(found)
    if rules.begins_with_user:
        found = _begun_by_user(found)
    return found


def begins_answer(messages: Sequence[Message]) -> bool:
    """Return whether the last message begins the answer that is asked for."""
    last = messages[-1]
    return last.role is Role.ASSISTANT and not last.tool_calls and bool(last.text.strip())


def _without_blanks(message: Message) -> Message | None:
    """Return a message without blank texts; None where nothing is left of it.

    A turn of the user or of a tool gets a placeholder instead, because the turns around it refer to it.
    """
    parts = tuple(part for part in message.parts if not isinstance(part, Text) or part.text.strip())
    if len(parts) == len(message.parts) and parts:
        return message
    if not parts and message.role in {Role.USER, Role.TOOL}:
        parts = (Text(NO_TEXT),)
    return replace(message, parts=parts) if parts or message.tool_calls else None


def _with_user(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages with the last ones of the system as turns of the user, where nothing else asks for an answer.

    That is a request of the system alone, or one whose last turn before them is the assistant's.
    """
    if not messages:
        return (Message(Role.USER, (Text(NO_TEXT),)),)
    if messages[-1].role is not Role.SYSTEM:
        return messages
    last = next((n for n in range(len(messages) - 1, -1, -1) if messages[n].role is not Role.SYSTEM), None)
    if last is None:
        return (*messages[:-1], replace(messages[-1], role=Role.USER))
    if messages[last].role is not Role.ASSISTANT:
        return messages
    return (*messages[: last + 1], *(replace(message, role=Role.USER) for message in messages[last + 1 :]))


def _begun_by_user(messages: Sequence[Message]) -> Sequence[Message]:
    first = next((n for n, message in enumerate(messages) if message.role is not Role.SYSTEM), len(messages))
    if first == len(messages) or messages[first].role is not Role.ASSISTANT:
        return messages
    return (*messages[:first], Message(Role.USER, (Text(NO_TEXT),)), *messages[first:])
