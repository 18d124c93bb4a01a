"""The body of POST /v1/chat/completions, read field by field into a ChatRequest."""

from collections.abc import Mapping
from typing import Any

from engine.catalog.model_names import MOST_NAME_CHARS
from engine.chat import ChatRequest, Options, Tool
from engine.errors import BadRequest, UnknownModel
from web.openai import custom_tools
from web.openai.chat_messages import MOST_CALLS, chat_message, ends_cached_prefix
from web.pipeline.fields import Fields
from web.pipeline.part_count import check_part_count
from web.pipeline.unserved import Unserved

MOST_MESSAGES, MOST_CHOICES, MOST_STOPS, MOST_TOOLS = 4000, 8, 4, MOST_CALLS
UNSERVED: Unserved = {
    "audio": (),
    "modalities": (["text"],),
    "moderation": (),
    "prediction": (),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "verbosity": ("medium",),
    "web_search_options": (),
    "top_k": (0, -1),
    "min_p": (0,),
    "chat_template_kwargs": ({},),
    "plugins": ([],),
    "provider": ({},),
    "models": ([],),
    "transforms": ([],),
    "reasoning": ({},),
    "thinking": ({},),
    "enable_thinking": (),
    "thinking_budget": (),
    "include_reasoning": (),
    "repetition_penalty": (1,),
    "min_tokens": (0,),
    "guided_json": (),
    "guided_regex": (),
    "guided_choice": ([],),
    "guided_grammar": (),
    "structured_outputs": ({},),
    "grammar": ("",),
    "stop_token_ids": ([],),
    "ignore_eos": (False,),
    "top_a": (0,),
    "typical_p": (0, 1),
    "mirostat": (0,),
    "search_parameters": ({}, {"mode": "off"}),
    "thinking_config": ({},),
    "safety_settings": ([],),
    "route": (),
}
"""Fields of the requests of OpenAI, vLLM, llama.cpp, OpenRouter, xAI and Gemini that no provider gets."""
_MOST_BIAS = 100
_TOOL_CHOICES = ("none", "auto", "required")
_REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_RESPONSE_FORMATS = ("text", "json_object", "json_schema")


def chat_request(body: Mapping[str, Any], *, id: str, key_id: int | None = None) -> ChatRequest:  # noqa: A002
    """Read a request; unknown fields are ignored. Raises BadRequest that names the wrong field."""
    fields = Fields(body)
    messages = fields.list_of_objects("messages", least=1, most=MOST_MESSAGES)
    check_part_count(messages, "messages")
    older_limit = fields.integer("max_tokens", 1, 10**7)  # checked even if the newer field is used
    limit = fields.integer("max_completion_tokens", 1, 10**7) or older_limit
    return ChatRequest(
        id=id,
        model=model_name(fields),
        messages=tuple(chat_message(message, f"messages.{n}") for n, message in enumerate(messages)),
        max_output_tokens=limit,
        n=fields.integer("n", 1, MOST_CHOICES) or 1,
        options=_options(fields),
        key_id=key_id,
    )


def model_name(fields: Fields) -> str:
    """Return the model's name. It is journaled, so it must be short and printable. Raises UnknownModel."""
    name = fields.text("model")
    if len(name) > MOST_NAME_CHARS or not name.isprintable():
        raise UnknownModel(name[:MOST_NAME_CHARS])
    return name


def wants_stream(body: Mapping[str, Any]) -> bool:
    return Fields(body).boolean("stream") or False


def wants_usage(body: Mapping[str, Any]) -> bool:
    options = Fields(body).object("stream_options") or {}
    return Fields(options, "stream_options").boolean("include_usage") or False


def _options(fields: Fields) -> Options:
    tools = tuple(_tool(tool, f"tools.{n}") for n, tool in enumerate(fields.list_of_objects("tools", most=MOST_TOOLS)))
    return Options(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        stop=fields.text_or_list("stop", MOST_STOPS),
        seed=fields.integer("seed", -(2**63), 2**63 - 1),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        tools=tools,
        tool_choice=tool_choice(fields, tools),
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        response_format=_response_format(fields),
        reasoning_effort=fields.choice("reasoning_effort", _REASONING_EFFORTS),
        logprobs=fields.boolean("logprobs"),
        top_logprobs=fields.integer("top_logprobs", 0, 20),
        logit_bias=_logit_bias(fields),
    )


def _logit_bias(fields: Fields) -> Mapping[str, Any] | None:
    biases = fields.object("logit_bias")
    for token, bias in (biases or {}).items():
        if not (token.isascii() and token.isdecimal()):
            raise BadRequest("logit_bias", "must have the ids of tokens as names")
        if isinstance(bias, bool) or not isinstance(bias, int | float) or not -_MOST_BIAS <= bias <= _MOST_BIAS:
            raise BadRequest(f"logit_bias.{token[:20]}", f"must be a number from -{_MOST_BIAS} to {_MOST_BIAS}")
    return biases


def tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> str | Mapping[str, Any] | None:
    """Return the choice of a tool among `tools`. Raises BadRequest."""
    choice = fields.text_or_object("tool_choice")
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _TOOL_CHOICES:
            raise BadRequest("tool_choice", f"must be one of {', '.join(_TOOL_CHOICES)}, or a function")
        return choice
    if choice.get("type") == "allowed_tools":
        return _allowed_tools(choice, tools)
    inner = Fields(choice, "tool_choice")
    kind = inner.choice("type", ("function", custom_tools.KIND, "allowed_tools", *_TOOL_CHOICES))
    if kind in _TOOL_CHOICES:  # the form that Cursor sends
        return kind
    kind = kind or "function"
    return _named_tool(inner.object(kind) or {}, f"tool_choice.{kind}", tools)


def _allowed_tools(choice: Mapping[str, Any], tools: tuple[Tool, ...]) -> Mapping[str, Any]:
    """Read a list of the tools that may be called now. Its fields may also be on the same level as `type`."""
    where = "tool_choice.allowed_tools"
    inner = Fields(Fields(choice, "tool_choice").object("allowed_tools") or choice, where)
    listed = inner.list_of_objects("tools", least=1, most=MOST_TOOLS)
    named = [
        _named_tool(each.get("function") or each.get(custom_tools.KIND) or each, f"{where}.tools.{n}", tools)
        for n, each in enumerate(listed)
    ]
    mode = inner.choice("mode", ("auto", "required")) or "auto"
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": named}}


def _named_tool(function: Any, where: str, tools: tuple[Tool, ...]) -> dict[str, Any]:
    name = Fields(function if isinstance(function, dict) else {}, where).text("name")
    if all(tool.name != name for tool in tools):
        raise BadRequest(f"{where}.name", "must be the name of one of the tools")
    return {"type": "function", "function": {"name": name}}


def _response_format(fields: Fields) -> Mapping[str, Any] | None:
    chosen = fields.object("response_format")
    if chosen is None:
        return None
    inner = Fields(chosen, "response_format")
    if inner.text("type") not in _RESPONSE_FORMATS:
        raise BadRequest("response_format.type", f"must be one of {', '.join(_RESPONSE_FORMATS)}")
    schema = inner.object("json_schema") if chosen["type"] == "json_schema" else {}
    if schema is None:
        raise BadRequest("response_format.json_schema", "must be an object")
    described = Fields(schema, "response_format.json_schema")
    described.object("schema")
    described.optional_text("name")
    described.boolean("strict")
    return chosen


def _tool(raw: Mapping[str, Any], where: str) -> Tool:
    if raw.get("type") == custom_tools.KIND:
        return custom_tools.custom_tool(Fields(raw, where).object(custom_tools.KIND) or {}, f"{where}.custom")
    function = raw.get("function")
    if raw.get("type", "function") != "function" or not isinstance(function, dict):
        raise BadRequest(where, "must be a tool of type function or custom")
    fields = Fields(function, f"{where}.function")
    return Tool(
        fields.text("name"),
        fields.optional_text("description") or "",
        fields.object("parameters") or {},
        fields.boolean("strict"),
        ends_cached_prefix(raw) or ends_cached_prefix(function),
    )
