"""Anthropic's Messages: named events, usage at both ends, max_tokens and a version required."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.providers.answers import chosen, words
from sandbox.providers.asked import Asked, AskedCall, AskedTool, StandInAnswer, StandInBill, StandInFrame
from sandbox.providers.dialects.base import IMAGE_TEXT, dumps, event, listed, messages_of, most_of, names
from sandbox.providers.refusals import Row, StandInRefused

_FIELDS = names(
    "model messages max_tokens system stream temperature top_p top_k stop_sequences tools tool_choice thinking "
    "output_config metadata service_tier container context_management mcp_servers cache_control"
)
_ROLES = frozenset({"user", "assistant"})
_NO_SAMPLING = ("haiku-5", "sonnet-5", "opus-5")
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use", "refused": "refusal"}
_CACHE_FROM = {"haiku-4": 4096}


class AnthropicStandIn:
    comment = b'event: ping\ndata: {"type": "ping"}\n\n'

    def asked(self, call: AskedCall) -> Asked:
        body = call.body
        model = str(body.get("model") or "")
        if "anthropic-version" not in call.headers:
            raise StandInRefused(Row(400, "anthropic-version: header is required"))
        if not model or model.startswith("no-such"):
            raise StandInRefused(Row(404, f"model: {model}", "not_found_error"))
        if unknown := sorted(set(body) - _FIELDS):
            raise StandInRefused(Row(400, f"{unknown[0]}: Extra inputs are not permitted"))
        if "max_tokens" not in body:
            raise StandInRefused(Row(400, "max_tokens: Field required"))
        turns = messages_of(body, "messages", _ROLES, Row(400, "messages: at least one message is required"))
        _check(body, model, turns)
        return _asked(body, model, turns)

    def cached_written(self, asked: Asked, prompt: int, seen: int) -> tuple[int, int]:
        """Only where the request asks for it with cache_control."""
        least = next((tokens for mark, tokens in _CACHE_FROM.items() if mark in asked.model), 1024)
        if not asked.options.get("cache_control") or prompt < least:
            return 0, 0
        return seen, prompt - seen

    def frames(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> Iterator[StandInFrame]:
        message = {"id": "msg_stand_in", "type": "message", "role": "assistant", "model": asked.model, "content": []}
        begun = {"usage": {**_read(bill), "output_tokens": 1}} if bill else {}
        yield StandInFrame(event("message_start", message={**message, "stop_reason": None, **begun}))
        yield StandInFrame(self.comment)
        for index, block in enumerate(_blocks(asked, answer)):
            yield StandInFrame(event("content_block_start", index=index, content_block=block.empty))
            for word in words(block.text):
                yield StandInFrame(event("content_block_delta", index=index, delta=block.delta(word)), word=True)
            yield StandInFrame(event("content_block_stop", index=index))
        told = {"usage": _usage(bill)} if bill else {}
        yield StandInFrame(event("message_delta", delta=_ending(answer), **told))
        yield StandInFrame(event("message_stop"))

    def whole(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> dict[str, Any]:
        content = [block.full for block in _blocks(asked, answer)]
        message = {"id": "msg_stand_in", "type": "message", "role": "assistant", "model": asked.model}
        return {**message, "content": content, **_ending(answer), **({"usage": _usage(bill)} if bill else {})}

    def broken(self) -> Iterator[bytes]:
        yield event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def models(self) -> dict[str, Any]:
        known = ("claude-haiku-5-5", "claude-haiku-4-5")
        return {"data": [{"type": "model", "id": name} for name in known], "has_more": False}


class _Block:
    """A content block; `kind`: text, thinking or tool_use."""

    def __init__(self, kind: str, text: str, tool: AskedTool | None = None) -> None:
        self.kind, self.text, self.tool = kind, text, tool

    @property
    def empty(self) -> dict[str, Any]:
        if self.tool:
            return {"type": self.kind, "id": self.tool.id, "name": self.tool.name, "input": {}}
        return {"type": self.kind, self.kind: ""}

    @property
    def full(self) -> dict[str, Any]:
        filled = {"input": dict(self.tool.arguments)} if self.tool else {self.kind: self.text}
        return {**self.empty, **filled}

    def delta(self, word: str) -> dict[str, Any]:
        if self.tool:
            return {"type": "input_json_delta", "partial_json": word}
        return {"type": f"{self.kind}_delta", self.kind: word}


def _blocks(asked: Asked, answer: StandInAnswer) -> list[_Block]:
    blocks = [_Block("thinking", answer.thought)] if answer.thought and asked.shows_thoughts else []
    if answer.tool:
        return [*blocks, _Block("tool_use", dumps(answer.tool.arguments), answer.tool)]
    return [*blocks, _Block("text", answer.text)] if answer.text else blocks


def _ending(answer: StandInAnswer) -> dict[str, Any]:
    if answer.stopped_by is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": answer.stopped_by}
    return {"stop_reason": _REASONS[answer.finish], "stop_sequence": None}


def _read(bill: StandInBill) -> dict[str, int]:
    """Plain, read and written input are disjoint."""
    return {
        "input_tokens": bill.prompt - bill.cached - bill.written,
        "cache_read_input_tokens": bill.cached,
        "cache_creation_input_tokens": bill.written,
    }


def _usage(bill: StandInBill) -> dict[str, Any]:
    thinking = {"output_tokens_details": {"thinking_tokens": bill.thought}} if bill.thought else {}
    return {**_read(bill), "output_tokens": bill.output + bill.thought, **thinking}


def _check(body: Mapping[str, Any], model: str, turns: list[Mapping[str, Any]]) -> None:
    """Raises StandInRefused for what the newer models no longer take."""
    if any(turn.get("role") not in _ROLES for turn in turns):
        raise StandInRefused(Row(400, "messages.0.role: Field required"))
    if not any(mark in model for mark in _NO_SAMPLING):
        if {"temperature", "top_p"} <= set(body):
            raise StandInRefused(Row(400, "`temperature` and `top_p` cannot both be specified for this model."))
        return
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise StandInRefused(Row(400, f"{name}: this model does not support it."))
    if "budget_tokens" in (body.get("thinking") or {}):
        raise StandInRefused(Row(400, "thinking.budget_tokens: this model does not support it."))
    if turns[-1]["role"] == "assistant":
        raise StandInRefused(Row(400, "This model does not support assistant message prefill."))


def _asked(body: Mapping[str, Any], model: str, turns: list[Mapping[str, Any]]) -> Asked:
    blocks = [_content(turn.get("content")) for turn in turns]
    flat = [block for each in blocks for block in each]
    images = sum(block.get("type") == "image" for block in flat)
    results = [block for block in blocks[-1] if block.get("type") == "tool_result"]
    asking = [_text(each) for each, turn in zip(blocks, turns, strict=True) if turn["role"] == "user" and _text(each)]
    tools = dumps(body["tools"]) if body.get("tools") else ""
    system = _text(_content(body.get("system")))
    prompt = asking[-1] if asking else ""
    whole = tools + system + "".join(_counted(block) for block in flat) + IMAGE_TEXT * images
    return Asked(
        model=model,
        prompt=prompt,
        whole=whole,
        most=most_of(body["max_tokens"], Row(400, "max_tokens: Input should be greater than or equal to 1")),
        stream=bool(body.get("stream")),
        turns=len(asking),
        images=images,
        stop=listed(body.get("stop_sequences")),
        tool=None if results else _tool(body, prompt),
        tool_result=_text(_content(results[0].get("content"))) if results else None,
        wants_json="json object" in system.lower(),
        thinks=_thinks(body, model),
        options={"cache_control": "cache_control" in dumps(body)},
    )


def _thinks(body: Mapping[str, Any], model: str) -> bool:
    """The fives do unless told not to; the others only when asked."""
    kind = (body.get("thinking") or {}).get("type")
    low = (body.get("output_config") or {}).get("effort") == "low"
    return kind in {"enabled", "adaptive"} or (kind is None and not low and any(m in model for m in _NO_SAMPLING))


def _content(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or () if isinstance(block, dict)]


def _text(blocks: list[Mapping[str, Any]]) -> str:
    return "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")


def _counted(block: Mapping[str, Any]) -> str:
    more = [dumps(block[name]) for name in ("input", "content") if name in block]
    return str(block.get("text", "")) + "".join(more)


def _tool(body: Mapping[str, Any], prompt: str) -> AskedTool | None:
    tools = {str(tool.get("name")): tool.get("input_schema") or {} for tool in body.get("tools") or ()}
    choice = body.get("tool_choice") or {}
    if choice.get("type") == "none":
        return None
    return chosen(tools, choice.get("name"), prompt, must=choice.get("type") == "any")
