"""The request of Anthropic's Messages."""

from typing import Any

from engine.catalog.offers import MissingCapability
from engine.chat import Image, Message, Part, Role, Text
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import JSON_ASKED, NO_PREFILL, thinking_off, tool_arguments
from engine.providers.spec import Spec

_FIFTH_GENERATION = ("haiku-5", "opus-5", "sonnet-5")


def request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    """Return the JSON body of a call. Raises CapabilityMissing."""
    request, options = call.request, call.request.options
    if request.n > 1:
        raise CapabilityMissing(MissingCapability.CHOICES.value)
    if request.messages[-1].role is Role.ASSISTANT and _is_fifth_generation(call.model):
        raise CapabilityMissing(NO_PREFILL)
    system = [m.text for m in request.messages if m.role is Role.SYSTEM]
    system += [JSON_ASKED] if options.wants_json else []
    body: dict[str, Any] = {
        "model": call.model,
        "max_tokens": call.output_tokens,
        "messages": _turns([m for m in request.messages if m.role is not Role.SYSTEM]),
        "stream": True,
    }
    if system:
        body["system"] = "\n\n".join(system)
    if options.stop:
        body["stop_sequences"] = list(options.stop)
    if not _is_fifth_generation(call.model):
        body |= _sampling(options.temperature, options.top_p)
    if options.tools:
        body["tools"] = [_tool(tool) for tool in options.tools]
        body |= _tool_choice(options.tool_choice)
    return body | _thinking(call, spec)


def _thinking(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    off = thinking_off(call, spec)
    effort = call.request.options.reasoning_effort
    if effort == "none" and _is_fifth_generation(call.model):
        off = {"type": "disabled"}
    if off:
        return {"thinking": dict(off)}
    return {"output_config": {"effort": "low" if effort in {"none", "minimal"} else effort}} if effort else {}


def _is_fifth_generation(model: str) -> bool:
    """Return whether the model refuses sampling parameters and begun answers, and thinks unless that is disabled."""
    return any(part in model for part in _FIFTH_GENERATION)


def _turns(messages: list[Message]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        blocks = _blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role is Role.TOOL:
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.text}]
    blocks = [_block(part) for part in message.parts if not (isinstance(part, Text) and not part.text)]
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": tool_arguments(call.arguments)}
        for call in message.tool_calls
    ]
    return blocks + calls


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "image", "source": _source(part.url)}
    return {"type": "text", "text": part.text}


def _source(url: str) -> dict[str, str]:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url.partition(",")
    return {"type": "base64", "media_type": head[5:].removesuffix(";base64"), "data": data}


def _sampling(temperature: float | None, top_p: float | None) -> dict[str, float]:
    """Return temperature or top_p, never both; a temperature above 1 becomes 1, the maximum."""
    if temperature is not None:
        return {"temperature": min(1.0, temperature)}
    return {} if top_p is None else {"top_p": top_p}


def _tool(tool: Any) -> dict[str, Any]:
    schema = dict(tool.parameters) or {"type": "object", "properties": {}}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _tool_choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, dict):
        return {"tool_choice": {"type": "tool", "name": (choice.get("function") or {}).get("name", "")}}
    return {"tool_choice": {"type": {"required": "any"}.get(choice, choice)}} if choice else {}
