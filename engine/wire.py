"""OpenAI's dialect, spoken both ways: read from tenants, sent to providers, answered to tenants."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.chat import (
    ChatRequest,
    Choice,
    Completion,
    Delta,
    Event,
    Finished,
    Image,
    Message,
    Options,
    Part,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from engine.errors import BadRequest
from engine.fields import Fields
from engine.money import NANO_PER_USD
from engine.ports import Call
from engine.spec import Spec
from engine.tenancy import Charge

MOST_MESSAGES, MOST_CHOICES, MOST_STOPS, MOST_TOOLS = 4000, 8, 4, 128
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# --- What a tenant asks ---------------------------------------------------------------------------


def chat_request(body: Mapping[str, Any], *, id: str, key_id: int | None = None) -> ChatRequest:  # noqa: A002
    """Read a request; unknown fields are ignored. Raises BadRequest with the field that is wrong."""
    fields = Fields(body)
    messages = fields.list_of_objects("messages", least=1, most=MOST_MESSAGES)
    limit = fields.integer("max_completion_tokens", 1, 10**7) or fields.integer("max_tokens", 1, 10**7)
    return ChatRequest(
        id=id,
        model=fields.text("model"),
        messages=tuple(_message(message, f"messages.{n}") for n, message in enumerate(messages)),
        max_output_tokens=limit,
        n=fields.integer("n", 1, MOST_CHOICES) or 1,
        options=_options(fields),
        key_id=key_id,
    )


def wants_stream(body: Mapping[str, Any]) -> bool:
    return Fields(body).boolean("stream") or False


def wants_usage(body: Mapping[str, Any]) -> bool:
    options = Fields(body).object("stream_options")
    return bool(options and options.get("include_usage"))


def _options(fields: Fields) -> Options:
    return Options(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        stop=fields.text_or_list("stop", MOST_STOPS),
        seed=fields.integer("seed", -(2**63), 2**63),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        tools=tuple(
            _tool(tool, f"tools.{n}") for n, tool in enumerate(fields.list_of_objects("tools", most=MOST_TOOLS))
        ),
        tool_choice=fields.text_or_object("tool_choice"),
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        response_format=fields.object("response_format"),
        reasoning_effort=fields.optional_text("reasoning_effort"),
        logprobs=fields.boolean("logprobs"),
        top_logprobs=fields.integer("top_logprobs", 0, 20),
        logit_bias=fields.object("logit_bias"),
    )


def _message(raw: Mapping[str, Any], where: str) -> Message:
    fields = Fields(raw, where)
    role = _ROLES.get(str(raw.get("role")))
    if role is None:
        raise BadRequest(f"{where}.role", f"one of {', '.join(_ROLES)}")
    calls = tuple(
        _called(call, f"{where}.tool_calls.{n}")
        for n, call in enumerate(fields.list_of_objects("tool_calls", most=MOST_TOOLS))
    )
    content = raw.get("content")
    if content is None and not calls and role is not Role.ASSISTANT:
        raise BadRequest(f"{where}.content", "a string or a list of parts")
    return Message(
        role,
        _parts(content, f"{where}.content"),
        calls,
        str(raw.get("tool_call_id") or ""),
        str(raw.get("name") or ""),
    )


def _parts(content: Any, where: str) -> tuple[Part, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise BadRequest(where, "a string or a list of parts")
    return tuple(_part(part, f"{where}.{n}") for n, part in enumerate(content))


def _part(raw: Any, where: str) -> Part:
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind in {"text", "refusal"}:
        text = raw.get(kind)
        if not isinstance(text, str):
            raise BadRequest(f"{where}.{kind}", "a string")
        return Text(text)
    if kind == "image_url":
        image = raw.get("image_url")
        image = {"url": image} if isinstance(image, str) else image
        url = image.get("url") if isinstance(image, dict) else None
        if not isinstance(url, str) or not url.startswith(("data:image/", "https://", "http://")):
            raise BadRequest(f"{where}.image_url", "a data:image/... or an https address")
        return Image(url, str(image.get("detail") or "auto"))
    raise BadRequest(f"{where}.type", "text or image_url")


def _tool(raw: Mapping[str, Any], where: str) -> Tool:
    function = raw.get("function")
    if raw.get("type", "function") != "function" or not isinstance(function, dict):
        raise BadRequest(where, "a tool of type function")
    fields = Fields(function, f"{where}.function")
    return Tool(
        fields.text("name"),
        fields.optional_text("description") or "",
        fields.object("parameters") or {},
        fields.boolean("strict"),
    )


def _called(raw: Mapping[str, Any], where: str) -> ToolCall:
    function = raw.get("function")
    if not isinstance(function, dict):
        raise BadRequest(f"{where}.function", "an object")
    return ToolCall(str(raw.get("id") or ""), str(function.get("name") or ""), str(function.get("arguments") or ""))


# --- What a provider is sent ----------------------------------------------------------------------


def request_body(call: Call, spec: Spec) -> dict[str, Any]:
    """Allow-listed: what could change the bill (service tiers, plug-ins, web search) is not among it."""
    request, options = call.request, call.request.options
    body: dict[str, Any] = {
        "model": call.model,
        "messages": _messages(request, spec),
        "stream": True,
        spec.output_field: call.output_tokens,
    }
    if spec.asks_usage:
        body["stream_options"] = {"include_usage": True}
        if spec.asks_no_padding:
            body["stream_options"]["include_obfuscation"] = False
    optional = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "stop": list(options.stop) or None,
        spec.seed_field: options.seed,
        "frequency_penalty": options.frequency_penalty,
        "presence_penalty": options.presence_penalty,
        "tools": [_tool_json(tool) for tool in options.tools] or None,
        "tool_choice": options.tool_choice,
        "parallel_tool_calls": options.parallel_tool_calls,
        "response_format": options.response_format,
        "logprobs": options.logprobs,
        "top_logprobs": options.top_logprobs,
        "logit_bias": options.logit_bias,
        "n": request.n if request.n > 1 else None,
        **_effort(options, spec),
    }
    unwanted = spec.without | (_NOT_OF_REASONING if _REASONING.search(call.model) else frozenset())
    return body | {name: value for name, value in optional.items() if value is not None and name not in unwanted}


_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9])")
_NOT_OF_REASONING = frozenset(
    {"temperature", "top_p", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias", "stop"}
)
_JSON_ASKED = "Answer with one JSON object and nothing else."


def _effort(options: Options, spec: Spec) -> Mapping[str, Any]:
    wanted = options.reasoning_effort
    return spec.efforts.get(wanted, {"reasoning_effort": wanted}) if wanted else {}


def _messages(request: ChatRequest, spec: Spec) -> list[dict[str, Any]]:
    """JSON mode is refused by some, and forgotten by others, unless it is asked for in words too."""
    messages = [message_json(message) for message in request.messages]
    if "messages.name" in spec.without:
        for message in messages:
            if message["role"] != Role.TOOL:
                message.pop("name", None)
    if (request.options.response_format or {}).get("type") == "json_object" and not _speaks_of_json(request):
        return [{"role": Role.SYSTEM.value, "content": _JSON_ASKED}, *messages]
    return messages


def _speaks_of_json(request: ChatRequest) -> bool:
    return any("json" in message.text.lower() for message in request.messages)


def message_json(message: Message) -> dict[str, Any]:
    plain = all(isinstance(part, Text) for part in message.parts)
    content: Any = message.text if plain else [_part_json(part) for part in message.parts]
    body: dict[str, Any] = {"role": message.role.value, "content": content}
    if message.tool_calls:
        body["tool_calls"] = [_call_json(call) for call in message.tool_calls]
        body["content"] = content or None
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    if message.name:
        body["name"] = message.name
    return body


def _part_json(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.url, "detail": part.detail}}


def _tool_json(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.parameters)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _call_json(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


# --- What a tenant is answered --------------------------------------------------------------------


def completion_json(id: str, created: int, completion: Completion, charge: Charge) -> dict[str, Any]:  # noqa: A002
    return {
        "id": f"chatcmpl-{id}",
        "object": "chat.completion",
        "created": created,
        "model": completion.model,
        "choices": [_choice_json(n, choice) for n, choice in enumerate(completion.choices)],
        "usage": usage_json(completion.usage, charge),
    }


def chunk_json(id: str, created: int, model: str, event: Event, *, start: bool = False) -> dict[str, Any]:  # noqa: A002
    """One piece of a stream. `start` adds the role, as a stream's first piece has it."""
    index, delta, finish = 0, dict[str, Any](), None
    logprobs = None
    if isinstance(event, Delta):
        index, logprobs = event.index, event.logprobs
        delta = _delta_json(event)
    elif isinstance(event, Finished):
        index, finish = event.index, event.finish.value
    if start:
        delta = {"role": "assistant", "content": "", **delta}
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return _chunk(id, created, model, [choice])


def usage_chunk_json(id: str, created: int, model: str, usage: Usage, charge: Charge) -> dict[str, Any]:  # noqa: A002
    """The last piece, for who asked with stream_options.include_usage."""
    return {**_chunk(id, created, model, []), "usage": usage_json(usage, charge)}


def usage_json(usage: Usage, charge: Charge) -> dict[str, Any]:
    """OpenAI's counts; `cost` is wallet money in USD, `allowance_tokens` what the plan paid."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cost": charge.wallet.nanousd / NANO_PER_USD,
        "allowance_tokens": charge.allowance_tokens,
    }


def _chunk(id: str, created: int, model: str, choices: Sequence[Any]) -> dict[str, Any]:  # noqa: A002
    return {
        "id": f"chatcmpl-{id}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": list(choices),
    }


def _delta_json(event: Delta) -> dict[str, Any]:
    delta: dict[str, Any] = {"content": event.text} if event.text else {}
    if event.tool_calls:
        delta["tool_calls"] = [
            {
                "index": call.position,
                **({"id": call.id, "type": "function"} if call.id else {}),
                "function": {**({"name": call.name} if call.name else {}), "arguments": call.arguments},
            }
            for call in event.tool_calls
        ]
    return delta


def whole_call(position: int, call: ToolCall) -> ToolCallDelta:
    """A tool call in one piece."""
    return ToolCallDelta(position, call.id, call.name, call.arguments)


def _choice_json(index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text or None}
    if choice.tool_calls:
        message["tool_calls"] = [_call_json(call) for call in choice.tool_calls]
    else:
        message["content"] = choice.text
    finish = choice.finish.value if choice.finish else None
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
