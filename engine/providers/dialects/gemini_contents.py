"""The turns of Gemini's requests."""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.chat import Image, Message, Part, Role, Text, ToolCall
from engine.providers.mending.pictures import PictureRules, checked_picture
from engine.providers.mending.tool_names import GEMINI_NAME
from engine.providers.mending.tool_turns import arguments_object
from engine.providers.mending.turns import TurnRules, mended_turns
from engine.providers.model_facts import NO_SIGNATURE, needs_signatures
from engine.providers.tool_ids import of_at_most

RULES = TurnRules(of_at_most(64), GEMINI_NAME, refuses_blank=True, needs_user=True, begins_with_user=True)


def mended(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """Return the text of the system, and the other turns."""
    turns = mended_turns(messages, RULES)
    system = "\n\n".join(turn.text for turn in turns if turn.role is Role.SYSTEM)
    return system, [turn for turn in turns if turn.role is not Role.SYSTEM]


def contents(turns: Sequence[Message], model: str, rules: PictureRules) -> list[dict[str, Any]]:
    """Return the contents. Messages of one role in a row are one content; tool results belong to the user.

    Raises CapabilityMissing for a picture that Gemini refuses.
    """
    found: list[dict[str, Any]] = []
    signs = needs_signatures(model)
    for turn in turns:
        role = "model" if turn.role is Role.ASSISTANT else "user"
        parts = list(_parts(turn, rules, signs=signs))
        if found and found[-1]["role"] == role:
            found[-1]["parts"] += parts
        elif parts:
            found.append({"role": role, "parts": parts})
    return found


def _parts(message: Message, rules: PictureRules, *, signs: bool) -> Iterator[dict[str, Any]]:
    if message.role is Role.TOOL:
        key = "error" if message.is_error else "result"
        yield {"functionResponse": {"name": message.name, "response": {key: message.text}}}
        yield from (_part(part, rules) for part in message.parts if isinstance(part, Image))
        return
    yield from (_part(part, rules) for part in message.parts)
    for number, call in enumerate(message.tool_calls):
        yield _call(call, is_first=number == 0, signs=signs)


def _call(call: ToolCall, *, is_first: bool, signs: bool) -> dict[str, Any]:
    """Return a call. Of calls in parallel only the first one needs a signature."""
    part: dict[str, Any] = {"functionCall": {"name": call.name, "args": arguments_object(call.arguments)}}
    signature = call.signature or (NO_SIGNATURE if is_first else "")
    return {**part, "thoughtSignature": signature} if signs and signature else part


def without_signatures(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the contents with NO_SIGNATURE for every signature: Gemini refuses those of another account or model."""
    return [
        {
            **content,
            "parts": [
                {**part, "thoughtSignature": NO_SIGNATURE} if "thoughtSignature" in part else part
                for part in content["parts"]
            ],
        }
        for content in found
    ]


def _part(part: Part, rules: PictureRules) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    kind, content = checked_picture(part, rules)
    return {"inlineData": {"mimeType": kind, "data": content}}
