"""Gemini's REST: CRLF frames, usage in every one of them, and no end marker but the finish reason."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.providers.answers import chosen, words
from sandbox.providers.asked import Asked, AskedCall, AskedTool, StandInAnswer, StandInBill, StandInFrame, count
from sandbox.providers.dialects.base import IMAGE_TEXT, data, dumps, listed, messages_of, most_of, names
from sandbox.providers.refusals import Row, StandInRefused

_FIELDS = names("contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent")
_CONFIG_FIELDS = names(
    "candidateCount stopSequences maxOutputTokens temperature topP topK seed presencePenalty frequencyPenalty "
    "responseMimeType responseSchema responseJsonSchema responseLogprobs logprobs thinkingConfig mediaResolution "
    "responseModalities speechConfig imageConfig"
)
_THINKING_FIELDS = names("includeThoughts thinkingBudget thinkingLevel")
_PART_FIELDS = names("text inlineData fileData functionCall functionResponse thought thoughtSignature")
_ROLES = frozenset({"user", "model"})
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool": "STOP", "refused": "SAFETY"}


class GeminiStandIn:
    comment = b""

    def asked(self, call: AskedCall) -> Asked:
        if call.model.startswith("no-such"):
            missing = f"models/{call.model} is not found for API version v1beta, or is not supported for {call.method}."
            raise StandInRefused(Row(404, missing, "NOT_FOUND"))
        body, config = call.body, call.body.get("generationConfig") or {}
        _check(body, config, call.model)
        wrong = _wrong("contents is not specified", "contents")
        turns = messages_of(body, "contents", _ROLES, wrong)
        return _asked(call, config, turns)

    def cached_written(self, asked: Asked, prompt: int, seen: int) -> tuple[int, int]:  # noqa: ARG002
        return seen, 0

    def frames(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> Iterator[StandInFrame]:
        if answer.finish == "refused":
            yield StandInFrame(self._blocked(asked, bill))
            return
        said = 0
        for word in words(answer.thought if asked.shows_thoughts else ""):
            yield StandInFrame(self._frame(asked, [{"text": word, "thought": True}], None, bill, 0), word=True)
        for index in range(asked.n):
            for word in words(answer.text):
                said += count(word)
                yield StandInFrame(self._frame(asked, [{"text": word}], None, bill, said, index), word=True)
        for index in range(asked.n):
            parts = [_call(answer.tool)] if answer.tool else [{"text": ""}]
            yield StandInFrame(self._frame(asked, parts, _REASONS[answer.finish], bill, None, index))

    def whole(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> dict[str, Any]:
        if answer.finish == "refused":
            return {"promptFeedback": {"blockReason": "SAFETY"}, **self._tail(asked, bill, 0)}
        parts: list[dict[str, Any]] = [_call(answer.tool)] if answer.tool else [{"text": answer.text}]
        if answer.thought and asked.shows_thoughts:
            parts.insert(0, {"text": answer.thought, "thought": True})
        content = {"role": "model", "parts": parts}
        candidates = [{"content": content, "finishReason": _REASONS[answer.finish], "index": n} for n in range(asked.n)]
        return {"candidates": candidates, **self._tail(asked, bill, None)}

    def broken(self) -> Iterator[bytes]:
        """As bare JSON after the last frame."""
        error = {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}
        yield dumps({"error": error}).encode()

    def models(self) -> dict[str, Any]:
        known = ("gemini-2.5-flash-lite", "gemini-2.5-flash", "gemini-3.8-flash")
        methods = ["generateContent", "streamGenerateContent", "countTokens"]
        return {"models": [{"name": f"models/{name}", "supportedGenerationMethods": methods} for name in known]}

    def _blocked(self, asked: Asked, bill: StandInBill | None) -> bytes:
        return data({"promptFeedback": {"blockReason": "SAFETY"}, **self._tail(asked, bill, 0)}, "\r\n\r\n")

    def _frame(
        self,
        asked: Asked,
        parts: list[dict[str, Any]],
        finish: str | None,
        bill: StandInBill | None,
        said: int | None,
        index: int = 0,
    ) -> bytes:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": index}
        if finish:
            candidate["finishReason"] = finish
        return data({"candidates": [candidate], **self._tail(asked, bill, said)}, "\r\n\r\n")

    def _tail(self, asked: Asked, bill: StandInBill | None, said: int | None) -> dict[str, Any]:
        """Usage so far; None: all of it."""
        tail: dict[str, Any] = {"modelVersion": asked.model, "responseId": "stand-in"}
        if bill is None:
            return tail
        output = bill.output if said is None else min(said, bill.output)
        usage = {
            "promptTokenCount": bill.prompt,
            "candidatesTokenCount": output,
            "totalTokenCount": bill.prompt + output + bill.thought,
        }
        usage |= {"cachedContentTokenCount": bill.cached} if bill.cached else {}
        usage |= {"thoughtsTokenCount": bill.thought} if bill.thought else {}
        return {**tail, "usageMetadata": usage}


def _check(body: Mapping[str, Any], config: Mapping[str, Any], model: str) -> None:
    """Raises StandInRefused for the fields that Gemini doesn't know or doesn't take."""
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
    if model.startswith("gemini-3.5") and {"presencePenalty", "frequencyPenalty"} & set(config):
        raise StandInRefused(_wrong("Penalty is not enabled for this model.", "generation_config"))


def _asked(call: AskedCall, config: Mapping[str, Any], turns: list[Mapping[str, Any]]) -> Asked:
    if call.model.startswith("gemini-3.5") and turns[-1].get("role") == "model":
        raise StandInRefused(_wrong("Please ensure that the last turn is of role 'user'.", "contents"))
    parts = [_parts(turn) for turn in turns]
    system = "".join(str(p.get("text", "")) for p in _parts(call.body.get("systemInstruction") or {}))
    tools = dumps(call.body["tools"]) if call.body.get("tools") else ""
    images = sum("inlineData" in part or "fileData" in part for each in parts for part in each)
    results = [part["functionResponse"] for part in parts[-1] if "functionResponse" in part]
    asking = ["".join(str(p.get("text", "")) for p in each) for each, t in zip(parts, turns, strict=True) if _asks(t)]
    prompt = asking[-1] if asking else ""
    wrong = _wrong("max_output_tokens must be positive.", "generation_config")
    return Asked(
        model=call.model,
        prompt=prompt,
        whole=tools + system + "".join(_counted(part) for each in parts for part in each) + IMAGE_TEXT * images,
        most=most_of(config.get("maxOutputTokens"), wrong, 8192),
        stream=call.method == "streamGenerateContent",
        sse=call.sse,
        turns=len(asking),
        images=images,
        n=config.get("candidateCount") or 1,
        stop=listed(config.get("stopSequences")),
        tool=None if results else _tool(call.body, prompt),
        tool_result=dumps(results[0].get("response")) if results else None,
        wants_json=config.get("responseMimeType") == "application/json",
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        thinks=_thinks(call.model, config.get("thinkingConfig") or {}),
        shows_thoughts=bool((config.get("thinkingConfig") or {}).get("includeThoughts")),
    )


def _thinks(model: str, thinking: Mapping[str, Any]) -> bool:
    """2.5-flash and 3.x do by default, the lite ones only when asked."""
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


def _tool(body: Mapping[str, Any], prompt: str) -> AskedTool | None:
    declared = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    tools = {str(d.get("name")): d.get("parametersJsonSchema") or d.get("parameters") or {} for d in declared}
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if config.get("mode") == "NONE":
        return None
    wanted = next(iter(config.get("allowedFunctionNames") or ()), None)
    return chosen(tools, wanted, prompt, must=config.get("mode") == "ANY")


def _call(tool: AskedTool) -> dict[str, Any]:
    return {"functionCall": {"id": tool.id, "name": tool.name, "args": dict(tool.arguments)}}


def _wrong(message: str, field: str) -> Row:
    return Row(400, message, "INVALID_ARGUMENT", param=field)
