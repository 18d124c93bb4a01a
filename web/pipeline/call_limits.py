"""Limits for the tool calls of a request's history, whose arguments are JSON within texts."""

from collections.abc import Sequence

from engine.chat import Message
from engine.errors import BadRequest
from engine.json_limits import MOST_VALUES, separators_in

MOST_CALLS = 4000


def check_calls(messages: Sequence[Message]) -> None:
    """Raise BadRequest for more tool calls, or values in their arguments, than can be rewritten in a moment."""
    arguments = [call.arguments for message in messages if message.tool_calls for call in message.tool_calls]
    if len(arguments) > MOST_CALLS:
        raise BadRequest("messages", f"must have at most {MOST_CALLS:,} tool calls in all")
    if sum(map(len, arguments)) > MOST_VALUES and separators_in(arguments) > MOST_VALUES:
        raise BadRequest("messages", f"must have at most {MOST_VALUES:,} values in the arguments of tool calls in all")
