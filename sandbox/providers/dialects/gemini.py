"""Gemini's REST dialect: CRLF frames, usage in each of them, and a finish reason instead of an end marker."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request

from sandbox.providers import gemini_embeddings
from sandbox.providers.answers import chosen_tool, words
from sandbox.providers.checks.gemini import SIGNATURE, check_request, needs_signatures
from sandbox.providers.dialects.base import (
    IMAGE_TEXT,
    StandInDialect,
    data,
    dumps,
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
    count,
)
from sandbox.providers.refusals import DOWN_MESSAGE, SHORT_CONTEXT_TOKENS, Refusal, StandInRefused
from sandbox.providers.schemas import schema_in_words

_FIELDS = names("contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent")
_CONFIG_FIELDS = names(
    "candidateCount stopSequences maxOutputTokens temperature topP topK seed presencePenalty frequencyPenalty "
    "responseMimeType responseSchema responseJsonSchema responseLogprobs logprobs thinkingConfig mediaResolution "
    "responseModalities speechConfig imageConfig"
)
_THINKING_FIELDS = names("includeThoughts thinkingBudget thinkingLevel")
_PART_FIELDS = names("text inlineData fileData functionCall functionResponse thought thoughtSignature")
_NO_MINIMAL = re.compile(r"gemini-3\.[78]-flash|gemini-3[\d.]*-pro")
_MEDIA_TYPES = names("image/png image/jpeg image/webp image/heic image/heif")
_ROLES = frozenset({"user", "model"})
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool": "STOP", "refused": "SAFETY"}


_REFUSALS = {
    "no_key": Refusal(403, "Method doesn't allow unregistered callers. Please use API Key.", "PERMISSION_DENIED"),
    "malformed": Refusal(400, "Invalid JSON payload received.", "INVALID_ARGUMENT"),
    "key_refused": Refusal(
        400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", "API_KEY_INVALID"
    ),
    "429": Refusal(429, "You exceeded your current quota. Please retry in 5s.", "RESOURCE_EXHAUSTED", "retry"),
    "429_untold": Refusal(429, "You exceeded your current quota. Please retry in 5s.", "RESOURCE_EXHAUSTED"),
    "down": Refusal(503, DOWN_MESSAGE, "UNAVAILABLE"),
    "overloaded": Refusal(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
    "error_500": Refusal(500, "The server had an error while processing your request.", "INTERNAL"),
    "moderated": Refusal(400, "The prompt was flagged by moderation.", "INVALID_ARGUMENT", "content_policy_violation"),
    "context_too_long": Refusal(
        400,
        f"The input token count (5000) exceeds the maximum number of tokens allowed ({SHORT_CONTEXT_TOKENS}).",
        "INVALID_ARGUMENT",
    ),
    "money_gone": Refusal(
        429, "Your prepayment credits are depleted. Please go to AI Studio to manage them.", "RESOURCE_EXHAUSTED"
    ),
}
_METHODS = {"generateContent", "streamGenerateContent"}
_EMBEDDING_METHODS = {"batchEmbedContents", "countTokens"}


class GeminiStandIn(StandInDialect):
    dialect = "gemini"
    refusals = _REFUSALS
    models = ("gemini-2.5-flash-lite", "gemini-2.5-flash", "gemini-3.5-flash-lite", "gemini-3.8-flash")

    def serves(self, path: str) -> bool:
        return path.startswith("models/") and path.rpartition(":")[2] in _METHODS | _EMBEDDING_METHODS

    def embeds(self, path: str) -> bool:
        return path.rpartition(":")[2] in _EMBEDDING_METHODS

    def embed(self, call: ReceivedCall, *, with_usage: bool) -> dict[str, Any]:  # noqa: ARG002 - usage is not reported
        return gemini_embeddings.counted(call) if call.method == "countTokens" else gemini_embeddings.embedded(call)

    def key(self, request: Request) -> str:
        return request.headers.get("x-goog-api-key") or request.query_params.get("key") or ""

    def parse(self, call: ReceivedCall) -> ParsedRequest:
        if call.model.startswith("no-such"):
            missing = f"models/{call.model} is not found for API version v1beta, or is not supported for {call.method}."
            raise StandInRefused(Refusal(404, missing, "NOT_FOUND"))
        body, config = call.body, call.body.get("generationConfig") or {}
        _check(body, config, call.model)
        wrong = _wrong("contents is not specified", "contents")
        turns = messages_of(body, "contents", _ROLES, wrong)
        check_request(body, call.model, turns)
        return _parsed(call, config, turns)

    def cached_written(self, asked: ParsedRequest, prompt: int, seen: int) -> tuple[int, int]:  # noqa: ARG002
        return seen, 0

    def frames(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> Iterator[StandInFrame]:
        if answer.finish == "refused":
            yield StandInFrame(self._blocked(asked, usage))
            return
        said = 0
        for word in words(answer.thought if asked.shows_thoughts else ""):
            yield StandInFrame(self._frame(asked, [{"text": word, "thought": True}], None, usage, 0), word=True)
        for index in range(asked.n):
            for word in words(answer.text):
                said += count(word)
                yield StandInFrame(self._frame(asked, [{"text": word}], None, usage, said, index), word=True)
        for index in range(asked.n):
            parts = [_call(answer.tool, asked.model)] if answer.tool else [{"text": ""}]
            yield StandInFrame(self._frame(asked, parts, _REASONS[answer.finish], usage, None, index))

    def whole(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> dict[str, Any]:
        if answer.finish == "refused":
            return {"promptFeedback": {"blockReason": "SAFETY"}, **self._tail(asked, usage, 0)}
        parts: list[dict[str, Any]] = [_call(answer.tool, asked.model)] if answer.tool else [{"text": answer.text}]
        if answer.thought and asked.shows_thoughts:
            parts.insert(0, {"text": answer.thought, "thought": True})
        content = {"role": "model", "parts": parts}
        candidates = [{"content": content, "finishReason": _REASONS[answer.finish], "index": n} for n in range(asked.n)]
        return {"candidates": candidates, **self._tail(asked, usage, None)}

    def broken(self) -> Iterator[bytes]:
        """Yield the error as bare JSON after the last frame."""
        error = {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}
        yield dumps({"error": error}).encode()

    def model_list(self) -> dict[str, Any]:
        methods = ["generateContent", "streamGenerateContent", "countTokens"]
        return {"models": [{"name": f"models/{name}", "supportedGenerationMethods": methods} for name in self.models]}

    def _blocked(self, asked: ParsedRequest, usage: StandInUsage | None) -> bytes:
        return data({"promptFeedback": {"blockReason": "SAFETY"}, **self._tail(asked, usage, 0)}, "\r\n\r\n")

    def _frame(
        self,
        asked: ParsedRequest,
        parts: list[dict[str, Any]],
        finish: str | None,
        usage: StandInUsage | None,
        said: int | None,
        index: int = 0,
    ) -> bytes:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": index}
        if finish:
            candidate["finishReason"] = finish
        return data({"candidates": [candidate], **self._tail(asked, usage, said)}, "\r\n\r\n")

    def _tail(self, asked: ParsedRequest, usage: StandInUsage | None, said: int | None) -> dict[str, Any]:
        """Return the fields beside the candidates, with the usage after `said` output tokens; None: the whole usage."""
        tail: dict[str, Any] = {"modelVersion": asked.model, "responseId": "stand-in"}
        if usage is None:
            return tail
        output = usage.output if said is None else min(said, usage.output)
        counts = {
            "promptTokenCount": usage.prompt,
            "candidatesTokenCount": output,
            "totalTokenCount": usage.prompt + output + usage.thought,
        }
        counts |= {"cachedContentTokenCount": usage.cached} if usage.cached else {}
        counts |= {"thoughtsTokenCount": usage.thought} if usage.thought else {}
        return {**tail, "usageMetadata": counts}

    def error_body(self, refusal: Refusal, wait_seconds: float) -> dict[str, Any]:
        error: dict[str, Any] = {"code": refusal.status, "message": refusal.message, "status": refusal.kind}
        if refusal.code == "retry":
            violation = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue": "15"}
            delay = f"{max(1, round(wait_seconds))}s"
            error["details"] = [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
            ]
        elif refusal.code:
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": refusal.code}
            error["details"] = [{**info, "domain": "googleapis.com"}]
        elif refusal.param:
            violations = [{"field": refusal.param, "description": refusal.message}]
            kind = "type.googleapis.com/google.rpc.BadRequest"
            error["details"] = [{"@type": kind, "fieldViolations": violations}]
        return {"error": error}

    def retry_headers(self, wait_seconds: float) -> dict[str, str]:  # noqa: ARG002 - the body names the wait
        return {}


def _check(body: Mapping[str, Any], config: Mapping[str, Any], model: str) -> None:
    """Raise StandInRefused for fields that Gemini does not define or accept."""
    thinking = config.get("thinkingConfig") or {}
    for where, found, known in (
        ("", body, _FIELDS),
        ("generation_config", config, _CONFIG_FIELDS),
        ("generation_config.thinking_config", thinking, _THINKING_FIELDS),
    ):
        if unknown := sorted(set(found) - known):
            at = f" at '{where}'" if where else ""
            named = f'Invalid JSON payload received. Unknown name "{unknown[0]}"{at}: Cannot find field.'
            raise StandInRefused(_wrong(named, where or unknown[0]))
    if {"thinkingBudget", "thinkingLevel"} <= set(thinking):
        raise StandInRefused(
            _wrong("You can only set only one of thinking budget and thinking level.", "thinking_config")
        )
    if "thinkingLevel" in thinking and not model.startswith("gemini-3"):
        raise StandInRefused(_wrong("Thinking level is not supported for this model.", "thinking_config"))
    if thinking.get("thinkingLevel") == "minimal" and _NO_MINIMAL.match(model):
        message = "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level."
        raise StandInRefused(Refusal(400, message, "INVALID_ARGUMENT"))
    if model.startswith("gemini-3.5") and {"presencePenalty", "frequencyPenalty"} & set(config):
        raise StandInRefused(_wrong("Penalty is not enabled for this model.", "generation_config"))


def _parsed(call: ReceivedCall, config: Mapping[str, Any], turns: list[Mapping[str, Any]]) -> ParsedRequest:
    if call.model.startswith("gemini-3.5") and turns[-1].get("role") == "model":
        raise StandInRefused(_wrong("Please ensure that the last turn is of role 'user'.", "contents"))
    parts = [_parts(turn) for turn in turns]
    for kind in (
        part["inlineData"].get("mimeType", "image/png") for each in parts for part in each if "inlineData" in part
    ):
        if kind not in _MEDIA_TYPES:
            raise StandInRefused(Refusal(400, f"Unsupported MIME type: {kind}", "INVALID_ARGUMENT"))
    system = "".join(str(p.get("text", "")) for p in _parts(call.body.get("systemInstruction") or {}))
    tools = dumps(call.body["tools"]) if call.body.get("tools") else ""
    images = sum("inlineData" in part or "fileData" in part for each in parts for part in each)
    results = [part["functionResponse"] for part in parts[-1] if "functionResponse" in part]
    asking = ["".join(str(p.get("text", "")) for p in each) for each, t in zip(parts, turns, strict=True) if _asks(t)]
    prompt = asking[-1] if asking else ""
    wrong = _wrong("max_output_tokens must be positive.", "generation_config")
    return ParsedRequest(
        model=call.model,
        prompt=prompt,
        counted=tools + system + "".join(_counted(part) for each in parts for part in each) + IMAGE_TEXT * images,
        most=output_limit(config.get("maxOutputTokens"), wrong, 8192),
        stream=call.method == "streamGenerateContent",
        sse=call.sse,
        turns=len(asking),
        images=images,
        n=config.get("candidateCount") or 1,
        stop=listed(config.get("stopSequences")),
        tool=None if results else _tool(call.body, prompt),
        tool_result=dumps(results[0].get("response")) if results else None,
        wants_json=config.get("responseMimeType") == "application/json",
        schema=config.get("responseJsonSchema") or config.get("responseSchema") or schema_in_words(system + prompt),
        thinks=_thinks(call.model, config.get("thinkingConfig") or {}),
        shows_thoughts=bool((config.get("thinkingConfig") or {}).get("includeThoughts")),
    )


def _thinks(model: str, thinking: Mapping[str, Any]) -> bool:
    """Return whether the model thinks. 2.5-flash and 3.x do by default, the lite models only on request."""
    if "thinkingBudget" in thinking:
        return bool(thinking["thinkingBudget"] != 0)
    if "thinkingLevel" in thinking:
        return bool(thinking["thinkingLevel"] != "minimal")
    return "lite" not in model


def _parts(turn: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts: list[Mapping[str, Any]] = [part for part in turn.get("parts") or () if isinstance(part, dict)]
    for part in parts:
        if unknown := sorted(set(part) - _PART_FIELDS):
            named = f"Invalid JSON payload received. Unknown name \"{unknown[0]}\" at 'contents.parts'."
            raise StandInRefused(_wrong(f"{named}: Cannot find field.", "contents.parts"))
    return parts


def _asks(turn: Mapping[str, Any]) -> bool:
    said = any("functionResponse" not in part for part in turn.get("parts") or () if isinstance(part, dict))
    return turn.get("role", "user") == "user" and said


def _counted(part: Mapping[str, Any]) -> str:
    calls = [dumps(part[name]) for name in ("functionCall", "functionResponse") if name in part]
    return str(part.get("text", "")) + "".join(calls)


def _tool(body: Mapping[str, Any], prompt: str) -> StandInToolCall | None:
    declared = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    tools = {str(d.get("name")): d.get("parametersJsonSchema") or d.get("parameters") or {} for d in declared}
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if config.get("mode") == "NONE":
        return None
    wanted = next(iter(config.get("allowedFunctionNames") or ()), None)
    return chosen_tool(tools, wanted, prompt, must=config.get("mode") == "ANY")


def _call(tool: StandInToolCall, model: str) -> dict[str, Any]:
    call = {"functionCall": {"id": tool.id, "name": tool.name, "args": dict(tool.arguments)}}
    return {**call, "thoughtSignature": SIGNATURE} if needs_signatures(model) else call


def _wrong(message: str, field: str) -> Refusal:
    return Refusal(400, message, "INVALID_ARGUMENT", param=field)


PLAIN = GeminiStandIn
