"""Checks of Anthropic's turns, tools and options."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from sandbox.providers.refusals import Refusal, StandInRefused

MOST_PICTURES, MOST_PICTURES_OF_NEW = 100, 600
MOST_MARKS, LEAST_BUDGET, MOST_PICTURE_CHARS = 4, 1024, 7_000_000
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_MEDIA_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_NO_EFFORT = ("haiku-4", "sonnet-4-5", "sonnet-4-2", "opus-4-1", "claude-3")
_THINKING_REFUSED = "Thinking may not be enabled when tool_choice forces tool use."


def check_request(body: Mapping[str, Any], model: str, turns: Sequence[Mapping[str, Any]]) -> None:
    """Raise StandInRefused for the first fault."""
    blocks = [_blocks(turn.get("content")) for turn in turns]
    found = (*_of_turns(turns, blocks), *_of_tool_blocks(body, blocks), *_of_tools(body), *_of_options(body, model))
    for message in (*found, *_of_thinking(body, turns, blocks)):
        raise StandInRefused(Refusal(400, message))
    pictures = sum(block.get("type") == "image" for turn in blocks for block in turn)
    if pictures > (MOST_PICTURES if "-4" in model or "claude-3" in model else MOST_PICTURES_OF_NEW):
        raise StandInRefused(Refusal(400, "Too many images."))
    if _marks([body.get("tools"), body.get("system"), *blocks]) > MOST_MARKS:
        raise StandInRefused(Refusal(400, "A maximum of 4 blocks with cache_control may be provided."))


def signature_of(thinking: str) -> str:
    """Return the stand-in's signature of a block of thinking."""
    return b64encode(sha256(thinking.encode()).digest()).decode()


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or () if isinstance(block, dict)]


def _of_turns(turns: Sequence[Mapping[str, Any]], blocks: Sequence[list[Mapping[str, Any]]]) -> Iterator[str]:
    if turns[0].get("role") != "user":
        yield 'messages: first message must use the "user" role'
    for number, turn in enumerate(blocks):
        if not turn:
            yield f"messages.{number}: all messages must have non-empty content"
        for block in turn:
            yield from _of_block(block)
    last = blocks[-1][-1] if blocks[-1] else {}
    if turns[-1].get("role") == "assistant" and str(last.get("text", "x"))[-1:].isspace():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _of_block(block: Mapping[str, Any]) -> Iterator[str]:
    kind = block.get("type")
    if kind == "text" and not str(block.get("text", "")).strip():
        yield "messages: text content blocks must contain non-whitespace text"
    if kind == "thinking" and block.get("signature") != signature_of(str(block.get("thinking"))):
        yield "messages.1.content.0: Invalid `signature` in `thinking` block"
    if kind == "redacted_thinking" and not block.get("data"):
        yield "messages.1.content.0.redacted_thinking.data: Field required"
    if kind == "image":
        yield from _of_picture(block.get("source") or {})
    if kind == "tool_use":
        if not _ID.fullmatch(str(block.get("id"))):
            yield "messages.0.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        if not isinstance(block.get("input"), dict):
            yield "messages.0.content.0.tool_use.input: Input should be a valid dictionary"
    if kind == "tool_result":
        for inner in _blocks(block.get("content")):
            yield from _of_block(inner)


def _of_picture(source: Mapping[str, Any]) -> Iterator[str]:
    if source.get("type") == "base64" and source.get("media_type") not in _MEDIA_TYPES:
        yield "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png'"
    if len(str(source.get("data", ""))) > MOST_PICTURE_CHARS:
        yield "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum"
    if source.get("type") == "url" and not str(source.get("url")).startswith("https://"):
        yield "Only HTTPS URLs are supported."


def _of_tool_blocks(body: Mapping[str, Any], blocks: Sequence[list[Mapping[str, Any]]]) -> Iterator[str]:
    flat = [block for turn in blocks for block in turn]
    if any(block.get("type") in {"tool_use", "tool_result"} for block in flat) and not body.get("tools"):
        yield "Requests which include `tool_use` or `tool_result` blocks must define tools"
    ids = [block.get("id") for block in flat if block.get("type") == "tool_use"]
    if len(set(ids)) < len(ids):
        yield "messages: `tool_use` ids must be unique"
    before: list[Mapping[str, Any]] = []
    for turn in blocks:
        called = {block.get("id") for block in before if block.get("type") == "tool_use"}
        results = [block.get("tool_use_id") for block in turn if block.get("type") == "tool_result"]
        if set(results) - called:
            yield f"messages: unexpected `tool_use_id` found in `tool_result` blocks: {results[0]}"
        if len(set(results)) < len(results):
            yield "messages: each tool_use must have a single result."
        before = turn


def _of_tools(body: Mapping[str, Any]) -> Iterator[str]:
    for number, tool in enumerate(body.get("tools") or ()):
        if not _NAME.fullmatch(str(tool.get("name"))):
            yield f"tools.{number}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
        schema = tool.get("input_schema") or {}
        if schema.get("type") != "object":
            yield f"tools.{number}.custom.input_schema.type: Field required"
        if any(not _PROPERTY.fullmatch(name) for name in _properties(schema)):
            yield f"tools.{number}.custom.input_schema.properties: Property keys should match a pattern"
        if {"oneOf", "anyOf", "allOf"} & set(schema):
            yield f"tools.{number}.custom.input_schema: does not support oneOf, allOf, or anyOf at the top level"
    if body.get("tool_choice") and not body.get("tools"):
        yield "tool_choice: tools must be defined"


def _of_options(body: Mapping[str, Any], model: str) -> Iterator[str]:
    if not 0 <= body.get("temperature", 0) <= 1:
        yield "temperature: range: 0..1"
    if {"temperature", "top_p"} <= set(body):
        yield "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    if any(not str(stop).strip() for stop in body.get("stop_sequences") or ()):
        yield "stop_sequences: each stop sequence must contain non-whitespace"
    if "system" in body and any(not str(block.get("text", "")).strip() for block in _blocks(body["system"])):
        yield "system: text content blocks must contain non-whitespace text"
    config = body.get("output_config") or {}
    if "effort" in config and any(part in model for part in _NO_EFFORT):
        yield "This model does not support the effort parameter."
    schema = (config.get("format") or {}).get("schema")
    if schema is not None and not _is_closed(schema):
        yield "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"


def _of_thinking(
    body: Mapping[str, Any], turns: Sequence[Mapping[str, Any]], blocks: Sequence[list[Mapping[str, Any]]]
) -> Iterator[str]:
    thinking = body.get("thinking") or {}
    if thinking.get("type") not in {"enabled", "adaptive"}:
        return
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        yield _THINKING_REFUSED
    if body.get("temperature", 1) != 1:
        yield "`temperature` may only be set to 1 when thinking is enabled."
    if thinking["type"] == "adaptive":
        return
    budget = thinking.get("budget_tokens", 0)
    if budget < LEAST_BUDGET:
        yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    if budget >= body["max_tokens"]:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    last = next((n for n in range(len(turns) - 1, -1, -1) if turns[n].get("role") == "assistant"), None)
    is_step = any(block.get("type") == "tool_result" for block in blocks[-1])
    if last is not None and is_step and blocks[last][0].get("type") not in {"thinking", "redacted_thinking"}:
        yield "Expected `thinking` or `redacted_thinking`, but found `tool_use`."


def _is_closed(schema: Any) -> bool:
    """Return whether every object of a schema is closed."""
    if isinstance(schema, list):
        return all(_is_closed(each) for each in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return False
    return all(_is_closed(each) for each in schema.values())


def _properties(schema: Any) -> Iterator[str]:
    """Yield the names of all properties in a schema."""
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _properties(each)
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        yield from schema["properties"]


def _marks(found: Any) -> int:
    if isinstance(found, list):
        return sum(_marks(each) for each in found)
    if isinstance(found, dict):
        return ("cache_control" in found) + _marks(found.get("content"))
    return 0
