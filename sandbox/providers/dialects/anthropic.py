"""Anthropic's Messages dialect: named events, usage at start and end, `max_tokens` and a version required."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request

from sandbox.providers.answers import chosen_tool, words
from sandbox.providers.checks.anthropic import check_request, signature_of
from sandbox.providers.dialects.base import (
    IMAGE_TEXT,
    StandInDialect,
    dumps,
    event,
    listed,
    messages_of,
    names,
    output_limit,
)
from sandbox.providers.exchange import (
    ParsedRequest,
    ReceivedCall,
    StandInAnswer,
    StandInFrame,
    StandInToolCall,
    StandInUsage,
)
from sandbox.providers.refusals import DOWN_MESSAGE, SHORT_CONTEXT_TOKENS, Refusal, StandInRefused
from sandbox.providers.schemas import schema_in_words

_FIELDS = names(
    "model messages max_tokens system stream temperature top_p top_k stop_sequences tools tool_choice thinking "
    "output_config metadata service_tier container context_management mcp_servers cache_control"
)
_ROLES = frozenset({"user", "assistant"})
_NO_SAMPLING = ("haiku-5", "sonnet-5", "opus-5")
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use", "refused": "refusal"}
_CACHE_FROM = {"haiku-4": 4096}


_REFUSALS = {
    "no_key": Refusal(401, "x-api-key header is required", "authentication_error"),
    "malformed": Refusal(400, "We could not parse the JSON body of your request."),
    "key_refused": Refusal(401, "invalid x-api-key", "authentication_error"),
    "429": Refusal(429, "This request would exceed your organization's rate limit.", "rate_limit_error"),
    "429_untold": Refusal(429, "This request would exceed your organization's rate limit.", "rate_limit_error"),
    "down": Refusal(503, DOWN_MESSAGE, "api_error"),
    "overloaded": Refusal(529, "Overloaded", "overloaded_error"),
    "error_500": Refusal(500, "The server had an error while processing your request.", "api_error"),
    "moderated": Refusal(400, "The prompt was flagged by moderation.", code="content_policy_violation"),
    "context_too_long": Refusal(400, f"prompt is too long: 5000 tokens > {SHORT_CONTEXT_TOKENS} maximum"),
    "money_gone": Refusal(
        429,
        "You have reached your organization's spend limit.",
        "rate_limit_error",
        "enforced_spend_limit_reached",
    ),
}


class AnthropicStandIn(StandInDialect):
    dialect = "anthropic"
    refusals = _REFUSALS
    models = ("claude-haiku-5-5", "claude-haiku-4-5")
    keep_alive = b'event: ping\ndata: {"type": "ping"}\n\n'

    def serves(self, path: str) -> bool:
        return path == "messages"

    def key(self, request: Request) -> str:
        return request.headers.get("x-api-key", "")

    def parse(self, call: ReceivedCall) -> ParsedRequest:
        body = call.body
        model = str(body.get("model") or "")
        if "anthropic-version" not in call.headers:
            raise StandInRefused(Refusal(400, "anthropic-version: header is required"))
        if not model or model.startswith("no-such"):
            raise StandInRefused(Refusal(404, f"model: {model}", "not_found_error"))
        if unknown := sorted(set(body) - _FIELDS):
            raise StandInRefused(Refusal(400, f"{unknown[0]}: Extra inputs are not permitted"))
        if "max_tokens" not in body:
            raise StandInRefused(Refusal(400, "max_tokens: Field required"))
        turns = messages_of(body, "messages", _ROLES, Refusal(400, "messages: at least one message is required"))
        _check(body, model, turns)
        check_request(body, model, turns)
        return _parsed(body, model, turns)

    def cached_written(self, asked: ParsedRequest, prompt: int, seen: int) -> tuple[int, int]:
        """Return (0, 0) unless the request asks for caching with `cache_control`."""
        least = next((tokens for mark, tokens in _CACHE_FROM.items() if mark in asked.model), 1024)
        if not asked.options.get("cache_control") or prompt < least:
            return 0, 0
        return seen, prompt - seen

    def frames(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> Iterator[StandInFrame]:
        message = {"id": "msg_stand_in", "type": "message", "role": "assistant", "model": asked.model, "content": []}
        begun = {"usage": {**_input_counts(usage), "output_tokens": 1}} if usage else {}
        yield StandInFrame(event("message_start", message={**message, "stop_reason": None, **begun}))
        yield StandInFrame(self.keep_alive)
        for index, block in enumerate(_blocks(asked, answer)):
            yield StandInFrame(event("content_block_start", index=index, content_block=block.empty))
            for word in words(block.text):
                yield StandInFrame(event("content_block_delta", index=index, delta=block.delta(word)), word=True)
            if block.kind == "thinking":
                signed = {"type": "signature_delta", "signature": signature_of(block.text)}
                yield StandInFrame(event("content_block_delta", index=index, delta=signed))
            yield StandInFrame(event("content_block_stop", index=index))
        told = {"usage": _counts(usage)} if usage else {}
        yield StandInFrame(event("message_delta", delta=_ending(answer), **told))
        yield StandInFrame(event("message_stop"))

    def whole(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> dict[str, Any]:
        content = [block.full for block in _blocks(asked, answer)]
        message = {"id": "msg_stand_in", "type": "message", "role": "assistant", "model": asked.model}
        return {**message, "content": content, **_ending(answer), **({"usage": _counts(usage)} if usage else {})}

    def broken(self) -> Iterator[bytes]:
        yield event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def model_list(self) -> dict[str, Any]:
        return {"data": [{"type": "model", "id": name} for name in self.models], "has_more": False}

    def error_body(self, refusal: Refusal, wait_seconds: float) -> dict[str, Any]:  # noqa: ARG002 - told in a header
        details = {"details": {"error_code": refusal.code}} if refusal.code else {}
        error = {"type": refusal.kind, "message": refusal.message, **details}
        return {"type": "error", "error": error, "request_id": "req_stand_in"}

    def limit_headers(self, limit: int, left: int, reset_seconds: float) -> dict[str, str]:
        reset = (datetime.now(UTC) + timedelta(seconds=reset_seconds)).isoformat(timespec="seconds")
        return {
            "anthropic-ratelimit-requests-limit": str(limit),
            "anthropic-ratelimit-requests-remaining": str(left),
            "anthropic-ratelimit-requests-reset": reset,
        }


class _Block:
    """A content block; `kind`: text, thinking or tool_use."""

    def __init__(self, kind: str, text: str, tool: StandInToolCall | None = None) -> None:
        self.kind, self.text, self.tool = kind, text, tool

    @property
    def empty(self) -> dict[str, Any]:
        if self.tool:
            return {"type": self.kind, "id": self.tool.id, "name": self.tool.name, "input": {}}
        return {"type": self.kind, self.kind: ""}

    @property
    def full(self) -> dict[str, Any]:
        filled: dict[str, Any] = {"input": dict(self.tool.arguments)} if self.tool else {self.kind: self.text}
        if self.kind == "thinking":
            filled["signature"] = signature_of(self.text)
        return {**self.empty, **filled}

    def delta(self, word: str) -> dict[str, Any]:
        if self.tool:
            return {"type": "input_json_delta", "partial_json": word}
        return {"type": f"{self.kind}_delta", self.kind: word}


def _blocks(asked: ParsedRequest, answer: StandInAnswer) -> list[_Block]:
    blocks = [_Block("thinking", answer.thought)] if answer.thought and asked.shows_thoughts else []
    if answer.tool:
        return [*blocks, _Block("tool_use", dumps(answer.tool.arguments), answer.tool)]
    return [*blocks, _Block("text", answer.text)] if answer.text else blocks


def _ending(answer: StandInAnswer) -> dict[str, Any]:
    if answer.stopped_by is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": answer.stopped_by}
    return {"stop_reason": _REASONS[answer.finish], "stop_sequence": None}


def _input_counts(usage: StandInUsage) -> dict[str, int]:
    """Return the input tokens. Plain, read and written tokens are disjoint."""
    return {
        "input_tokens": usage.prompt - usage.cached - usage.written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.written,
    }


def _counts(usage: StandInUsage) -> dict[str, Any]:
    thinking = {"output_tokens_details": {"thinking_tokens": usage.thought}} if usage.thought else {}
    return {**_input_counts(usage), "output_tokens": usage.output + usage.thought, **thinking}


def _check(body: Mapping[str, Any], model: str, turns: list[Mapping[str, Any]]) -> None:
    """Raise StandInRefused for fields that newer models no longer accept."""
    if any(turn.get("role") not in _ROLES for turn in turns):
        raise StandInRefused(Refusal(400, "messages.0.role: Field required"))
    if not any(mark in model for mark in _NO_SAMPLING):
        if {"temperature", "top_p"} <= set(body):
            raise StandInRefused(Refusal(400, "`temperature` and `top_p` cannot both be specified for this model."))
        return
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise StandInRefused(Refusal(400, f"{name}: this model does not support it."))
    if "budget_tokens" in (body.get("thinking") or {}):
        raise StandInRefused(Refusal(400, "thinking.budget_tokens: this model does not support it."))
    if turns[-1]["role"] == "assistant":
        raise StandInRefused(Refusal(400, "This model does not support assistant message prefill."))


def _parsed(body: Mapping[str, Any], model: str, turns: list[Mapping[str, Any]]) -> ParsedRequest:
    blocks = [_content(turn.get("content")) for turn in turns]
    flat = [block for each in blocks for block in each]
    images = sum(block.get("type") == "image" for block in flat)
    _check_tool_results(blocks)
    results = [block for block in blocks[-1] if block.get("type") == "tool_result"]
    asking = [_text(each) for each, turn in zip(blocks, turns, strict=True) if turn["role"] == "user" and _text(each)]
    tools = dumps(body["tools"]) if body.get("tools") else ""
    system = _text(_content(body.get("system")))
    prompt = asking[-1] if asking else ""
    schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    schema = schema or schema_in_words("\n".join([system, *asking]))
    whole = tools + system + "".join(_counted(block) for block in flat) + IMAGE_TEXT * images
    return ParsedRequest(
        model=model,
        prompt=prompt,
        counted=whole,
        most=output_limit(body["max_tokens"], Refusal(400, "max_tokens: Input should be greater than or equal to 1")),
        stream=bool(body.get("stream")),
        turns=len(asking),
        images=images,
        stop=listed(body.get("stop_sequences")),
        tool=None if results else _tool(body, prompt),
        tool_result=_text(_content(results[0].get("content"))) if results else None,
        wants_json=schema is not None or "json object" in system.lower(),
        schema=schema,
        thinks=_thinks(body, model),
        options={"cache_control": "cache_control" in dumps(body)},
    )


def _check_tool_results(turns: list[list[Mapping[str, Any]]]) -> None:
    """Raise StandInRefused for a tool call whose result is not in the next turn."""
    for number, (turn, following) in enumerate(zip(turns, [*turns[1:], []], strict=True)):
        results = {block.get("tool_use_id") for block in following if block.get("type") == "tool_result"}
        calls = [str(block.get("id")) for block in turn if block.get("type") == "tool_use"]
        if missing := [call for call in calls if call not in results]:
            message = (
                f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
            raise StandInRefused(Refusal(400, message))


def _thinks(body: Mapping[str, Any], model: str) -> bool:
    """Return whether the model thinks. The 5 series does unless switched off, others only on request."""
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


def _tool(body: Mapping[str, Any], prompt: str) -> StandInToolCall | None:
    tools = {str(tool.get("name")): tool.get("input_schema") or {} for tool in body.get("tools") or ()}
    choice = body.get("tool_choice") or {}
    if choice.get("type") == "none":
        return None
    return chosen_tool(tools, choice.get("name"), prompt, must=choice.get("type") == "any")


PLAIN = AnthropicStandIn
