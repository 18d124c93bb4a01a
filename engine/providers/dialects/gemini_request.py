"""The request of Gemini's streamGenerateContent."""

from collections.abc import Mapping
from typing import Any

from engine.chat import Image, Message, Part, Role, Text
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import NO_PREFILL, data_url, thinking_off, tool_arguments
from engine.providers.spec import Spec

_EFFORT_BUDGET = {"none": 0, "minimal": 0, "low": 1024, "medium": 8192, "high": 24576}
_EFFORT_LEVEL = {"none": "minimal", "xhigh": "high", "max": "high"}
_NO_MINIMAL = ("3.7-flash", "3.8-flash", "-pro")
_NO_PREFILL = ("gemini-3.5", "gemini-3.8")
_TOOL_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    """Return the JSON body of a call. Raises CapabilityMissing."""
    request = call.request
    if request.messages[-1].role is Role.ASSISTANT and call.model.startswith(_NO_PREFILL):
        raise CapabilityMissing(NO_PREFILL)
    system = "\n\n".join(m.text for m in request.messages if m.role is Role.SYSTEM)
    body: dict[str, Any] = {
        "contents": _contents([m for m in request.messages if m.role is not Role.SYSTEM]),
        "generationConfig": _config(call, spec),
    }
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if request.options.tools:
        body["tools"] = [{"functionDeclarations": [_declared(tool) for tool in request.options.tools]}]
        body |= _tool_config(request.options.tool_choice)
    return body


def _config(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    options = call.request.options
    config: dict[str, Any] = {
        "maxOutputTokens": call.output_tokens,
        "temperature": options.temperature,
        "topP": options.top_p,
        "stopSequences": list(options.stop) or None,
        "seed": options.seed,
        "candidateCount": call.request.n if call.request.n > 1 else None,
        "thinkingConfig": _thinking(call, thinking_off(call, spec)),
    }
    if not call.model.startswith("gemini-3"):
        config["frequencyPenalty"] = options.frequency_penalty
        config["presencePenalty"] = options.presence_penalty
    if options.wants_json:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = _schema(options.response_format or {})
    return {name: value for name, value in config.items() if value is not None}


def _contents(messages: list[Message]) -> list[dict[str, Any]]:
    """Return the turns. Messages of one role in a row are one turn; tool results belong to the user."""
    turns: list[dict[str, Any]] = []
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    for message in messages:
        role = "model" if message.role is Role.ASSISTANT else "user"
        parts = _parts(message, names)
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": role, "parts": parts})
    return turns


def _parts(message: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
    if message.role is Role.TOOL:
        name = message.name or names.get(message.tool_call_id, "tool")
        return [{"functionResponse": {"name": name, "response": {"result": message.text}}}]
    parts = [_part(part) for part in message.parts if not (isinstance(part, Text) and not part.text)]
    calls = [{"functionCall": {"name": c.name, "args": tool_arguments(c.arguments)}} for c in message.tool_calls]
    return parts + calls


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        kind, data = data_url(part.url)
        return {"inlineData": {"mimeType": kind, "data": data}}
    return {"text": part.text}


def _declared(tool: Any) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if tool.parameters:
        declared["parametersJsonSchema"] = dict(tool.parameters)
    return declared


def _tool_config(choice: Any) -> dict[str, Any]:
    if choice is None:
        return {}
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name", "")
        return {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [name]}}}
    return {"toolConfig": {"functionCallingConfig": {"mode": _TOOL_MODES.get(choice, "AUTO")}}}


def _thinking(call: ProviderCall, off: Mapping[str, Any]) -> dict[str, Any] | None:
    effort = call.request.options.reasoning_effort
    if not effort:
        return dict(off) or None
    if call.model.startswith("gemini-3"):
        level = _EFFORT_LEVEL.get(effort, effort)
        has_minimal = not any(part in call.model for part in _NO_MINIMAL)
        return {"thinkingLevel": level if level != "minimal" or has_minimal else "low"}
    return {"thinkingBudget": _EFFORT_BUDGET.get(effort, 8192)}


def _schema(response_format: Mapping[str, Any]) -> Any:
    return (response_format.get("json_schema") or {}).get("schema")
