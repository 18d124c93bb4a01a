"""Checks of Mistral's turns, equal to mistral-common's request validator in serving mode."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.providers.refusals import Refusal, StandInRefused

MOST_TEMPERATURE, MOST_PICTURES = 1.5, 8
_ID = re.compile(r"[a-zA-Z0-9]{9}")
_AFTER = {
    "system": {"user", "assistant", "system"},
    "user": {"assistant", "system", "user"},
    "assistant": {"assistant", "user", "tool"},
    "tool": {"assistant", "tool"},
}


def check_request(body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> None:
    """Raise StandInRefused for the first fault."""
    for message in (*_of_order(messages), *_of_messages(messages), *_of_options(body)):
        raise StandInRefused(Refusal(400, message, "invalid_request_message_order", "3230"))


def _of_order(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    expected = 0
    for before, message in zip([None, *messages], messages, strict=False):
        role = message["role"]
        if before is not None and role not in _AFTER[before["role"]]:
            yield f"Unexpected role '{role}' after role '{before['role']}'"
        if role == "tool":
            expected -= 1
        elif expected:
            yield "Not the same number of function calls and responses"
        if role == "assistant":
            expected = len(message.get("tool_calls") or ())
    last = messages[-1]
    if expected:
        yield "Not the same number of function calls and responses"
    elif last["role"] not in {"user", "tool"} and not last.get("prefix"):
        yield f"Expected last role User or Tool (or Assistant with prefix True) for serving but got {last['role']}"


def _of_messages(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    pictures = 0
    for message in messages:
        ids = [call.get("id") for call in message.get("tool_calls") or ()]
        ids += [message.get("tool_call_id")] if message["role"] == "tool" else []
        for found in ids:
            if not _ID.fullmatch(str(found)):
                yield f"Tool call id was {found} but must be a-z, A-Z, 0-9, with a length of 9."
        content = message.get("content")
        pictures += sum(part.get("type") == "image_url" for part in content) if isinstance(content, list) else 0
        if pictures > MOST_PICTURES:
            yield f"Too many images. Maximum {MOST_PICTURES}."
        if message["role"] == "assistant" and not content and not message.get("tool_calls"):
            yield "Assistant message must have either content or tool_calls, but not both."


def _of_options(body: Mapping[str, Any]) -> Iterator[str]:
    temperature = body.get("temperature")
    if temperature is not None and temperature > MOST_TEMPERATURE:
        yield f"temperature: Input should be less than or equal to {MOST_TEMPERATURE}"
    if temperature == 0 and body.get("top_p", 1) != 1:
        yield "top_p must be 1 when using greedy sampling."
