"""The turns of Anthropic's Messages: content blocks, and the marks that end a cached prefix."""

from collections.abc import Iterator, Sequence
from typing import Any

from engine.chat import Image, Message, Part, Role, Text
from engine.errors import CapabilityMissing
from engine.providers.mending.pictures import PictureRules, checked_picture
from engine.providers.mending.tool_names import PLAIN_NAME
from engine.providers.mending.tool_turns import arguments_object
from engine.providers.mending.turns import TurnRules, mended_turns
from engine.providers.tool_ids import of_at_most
from engine.thoughts import Thought

MOST_MARKS = 4  # most cached prefixes of one request
MARK = {"type": "ephemeral"}
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_RULES = TurnRules(of_at_most(64), PLAIN_NAME, refuses_blank=True, needs_user=True, begins_with_user=True)


def mended(messages: Sequence[Message]) -> tuple[list[Text], list[Message]]:
    """Return the texts of the system, and the other turns mended to Claude's rules."""
    turns = mended_turns(messages, _RULES)
    system = [part for turn in turns if turn.role is Role.SYSTEM for part in turn.parts if isinstance(part, Text)]
    return system, [turn for turn in turns if turn.role is not Role.SYSTEM]


def turns_json(turns: Sequence[Message], rules: PictureRules, *, thinks: bool) -> list[dict[str, Any]]:
    """Return the turns as JSON. Consecutive messages of one role are one turn; tool results belong to the user.

    `thinks`: signed thinking is sent back. Raises CapabilityMissing for a picture that Claude refuses.
    """
    found: list[dict[str, Any]] = []
    for turn in turns:
        role = "assistant" if turn.role is Role.ASSISTANT else "user"
        blocks = list(_blocks(turn, rules, thinks=thinks))
        if found and found[-1]["role"] == role:
            found[-1]["content"] += blocks
        elif blocks:
            found.append({"role": role, "content": blocks})
    if found[-1]["role"] == "assistant":
        _strip_end(found[-1]["content"][-1])
    return found


def system_json(texts: Sequence[Text], instructions: Sequence[str]) -> str | list[dict[str, Any]]:
    """Return the system as one text, or as blocks if a part of it ends a cached prefix."""
    if not any(text.ends_cached_prefix for text in texts):
        return "\n\n".join([*(text.text for text in texts), *instructions])
    return [*(_block_of_text(text) for text in texts), *({"type": "text", "text": text} for text in instructions)]


def mark_prefix(turns: list[dict[str, Any]]) -> None:
    """Mark the end of the prompt, and the end of the user's turn before, which is the prompt cached last time.

    Two marks are needed because Claude looks back only a limited number of blocks for a cached prefix.
    """
    of_user = [turn for turn in turns if turn["role"] == "user"]
    for turn in of_user[-2:]:
        turn["content"][-1]["cache_control"] = MARK


def drop_marks(*holders: Any) -> None:
    """Remove all marks but the last ones that a request may have, in the order of the prompt."""
    marked = [block for holder in holders for block in _marked(holder)]
    for block in marked[:-MOST_MARKS]:
        del block["cache_control"]


def _marked(found: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(found, list):
        return
    for block in found:
        if isinstance(block.get("content"), list):
            yield from _marked(block["content"])
        if "cache_control" in block:
            yield block


def _blocks(message: Message, rules: PictureRules, *, thinks: bool) -> Iterator[dict[str, Any]]:
    if message.role is Role.TOOL:
        yield _result(message, rules)
        return
    if thinks:
        yield from _thoughts(message)
    yield from (_block(part, rules) for part in message.parts)
    for call in message.tool_calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_object(call.arguments)}


def _thoughts(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the reasoning that Claude can verify: signed or redacted thoughts."""
    for thought in message.thoughts or (Thought(message.thinking, message.thinking_signature),):
        if thought.redacted:
            yield {"type": "redacted_thinking", "data": thought.redacted}
        elif thought.signature:
            yield {"type": "thinking", "thinking": thought.text, "signature": thought.signature}


def without_thoughts(body: dict[str, Any]) -> None:
    """Remove the reasoning from the turns of `body`: Claude refuses that of another account or conversation.

    A budget for thinking is removed with it if a tool's result ends the prompt: it would demand the reasoning.
    """
    for turn in body["messages"]:
        turn["content"] = [block for block in turn["content"] if block["type"] not in _THOUGHTS]
    is_step = any(block["type"] == "tool_result" for block in body["messages"][-1]["content"])
    if is_step and body.get("thinking", {}).get("type") == "enabled":
        del body["thinking"]


def _result(message: Message, rules: PictureRules) -> dict[str, Any]:
    is_text = not any(isinstance(part, Image) for part in message.parts)
    content: Any = message.text if is_text else [_block(part, rules) for part in message.parts]
    result = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}
    if message.is_error:
        result["is_error"] = True
    is_marked = is_text and any(part.ends_cached_prefix for part in message.parts)
    return {**result, "cache_control": MARK} if is_marked else result


def _block(part: Part, rules: PictureRules) -> dict[str, Any]:
    if isinstance(part, Text):
        return _block_of_text(part)
    block = {"type": "image", "source": _source(part, rules)}
    return {**block, "cache_control": MARK} if part.ends_cached_prefix else block


def _block_of_text(part: Text) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": part.text}
    return {**block, "cache_control": MARK} if part.ends_cached_prefix else block


def _source(picture: Image, rules: PictureRules) -> dict[str, str]:
    kind, content = checked_picture(picture, rules)
    if kind:
        return {"type": "base64", "media_type": kind, "data": content}
    if not content.lower().startswith("https:"):
        raise CapabilityMissing("takes addresses of pictures with https only")
    return {"type": "url", "url": content}


def _strip_end(block: dict[str, Any]) -> None:
    """Remove the whitespace at the end of a begun answer, which Claude refuses."""
    if block["type"] == "text":
        block["text"] = block["text"].rstrip()
