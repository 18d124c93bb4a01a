"""Turns of a conversation in the form that a provider accepts: no blank ones, and a user's turn if one is needed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from engine.chat import Message, Role, Text
from engine.providers.mending.tool_names import safe_name
from engine.providers.mending.tool_turns import paired

NO_TEXT = "(no text)"


@dataclass(frozen=True, slots=True)
class TurnRules:
    """The form in which a provider accepts turns.

    `call_id` brings the id of a tool call into the provider's form; `tool_name` is the form of tool names.
    `refuses_blank`: it refuses turns and texts without content. `needs_user`: it refuses a request without a user's
    turn. `begins_with_user`: the first turn must be the user's.
    """

    call_id: Callable[[str], str]
    tool_name: re.Pattern[str]
    refuses_blank: bool = False
    needs_user: bool = False
    begins_with_user: bool = False


def mended_turns(messages: Sequence[Message], rules: TurnRules) -> Sequence[Message]:
    """Return the messages changed according to the provider's rules."""
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
    """Return whether the last message is the beginning of the requested answer, which the model shall continue."""
    last = messages[-1]
    return last.role is Role.ASSISTANT and not last.tool_calls and bool(last.text.strip())


def _without_blanks(message: Message) -> Message | None:
    """Return a message without blank texts; None if nothing is left of it.

    A blank turn of the user or of a tool gets a placeholder instead, because the turns around it refer to it.
    """
    parts = tuple(part for part in message.parts if not isinstance(part, Text) or part.text.strip())
    if len(parts) == len(message.parts) and parts:
        return message
    if not parts and message.role in {Role.USER, Role.TOOL}:
        parts = (Text(NO_TEXT),)
    return replace(message, parts=parts) if parts or message.tool_calls else None


def _with_user(messages: Sequence[Message]) -> Sequence[Message]:
    """Return the messages with the last system turns changed to user's turns, if no other turn asks for an answer.

    This concerns requests with system turns alone, or with an assistant's turn before the last system turns.
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
