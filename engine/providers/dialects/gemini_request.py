"""The request of Gemini's streamGenerateContent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.chat import Image, Message, Options, Part, Role, Text, Tool, ToolCall
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import NO_PREFILL
from engine.providers.mending.pictures import PictureRules, check_number, checked_picture
from engine.providers.mending.refused_options import given_fields, has_names
from engine.providers.mending.schemas import JSON_ASKED, gemini_schema, parameters_schema, schema_in_words, schema_of
from engine.providers.mending.tool_choices import allowed_mode, allowed_names, distinct_tools
from engine.providers.mending.tool_names import GEMINI_NAME, safe_name
from engine.providers.mending.tool_turns import arguments_object
from engine.providers.mending.turns import TurnRules, begins_answer, mended_turns
from engine.providers.model_facts import NO_SIGNATURE, needs_signatures, takes_penalties
from engine.providers.spec import Spec, thinking_off
from engine.providers.tool_ids import of_at_most

_EFFORT_BUDGET = {"none": 0, "minimal": 0, "low": 1024, "medium": 8192, "high": 24576}
# smallest budget above zero, by model; 2.5-pro can't switch thinking off
_LEAST_BUDGET = {"2.5-pro": 128, "2.5-flash-lite": 512}
_EFFORT_LEVEL = {"none": "minimal", "xhigh": "high", "max": "high"}
_NO_MINIMAL = ("3.7-flash", "3.8-flash", "-pro")
_NO_PREFILL = ("gemini-3.5", "gemini-3.8")
_TOOL_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_NO_OPTIONS = Options()
_TALK = frozenset({Role.USER, Role.ASSISTANT})
_IGNORED = frozenset({"logprobs", "top_logprobs", "logit_bias"})
_PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})
_SEEDS = 2**31
_MOST_TOOLS = 512
RULES = TurnRules(of_at_most(64), GEMINI_NAME, refuses_blank=True, needs_user=True, begins_with_user=True)
ONE_CALL_ASKED = "Call at most one function at a time."


def request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    """Return the JSON body of a call. Raises CapabilityMissing."""
    request, options = call.request, call.request.options
    if call.model.startswith(_NO_PREFILL) and begins_answer(request.messages):
        raise CapabilityMissing(NO_PREFILL)
    if request.has_pictures:
        check_number(request, spec.pictures)
    system, turns = mended(request.messages)
    body: dict[str, Any] = {
        "contents": contents(turns, call.model, spec.pictures),
        "generationConfig": _config(call, spec),
    }
    instructions = [system, *_instructions(call)]
    if system := "\n\n".join(text for text in instructions if text):
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if options.tools:
        body["tools"] = [{"functionDeclarations": [_declared(tool) for tool in distinct_tools(options, _MOST_TOOLS)]}]
        body |= _tool_config(options)
    return body


def ignored_fields(call: ProviderCall, spec: Spec) -> tuple[str, ...]:
    """Return the request's fields that are not sent unchanged."""
    options = call.request.options
    refused = _IGNORED | (frozenset() if takes_penalties(call.model) else _PENALTIES)
    found = [name for name in given_fields(options) if name in refused] if options != _NO_OPTIONS else []
    if len([stop for stop in options.stop if stop]) > spec.most_stops:
        found.append("stop")
    if any(message.name for message in call.request.messages) and has_names(call.request):
        found.append("messages.name")
    return tuple(found)


def checks_schema(call: ProviderCall) -> bool:
    """Return whether the answer's JSON must be checked, because its form was sent only in words."""
    request = call.request
    return request.options.wants_json and not begins_answer(request.messages) and not _has_json_mode(call)


def _has_json_mode(call: ProviderCall) -> bool:
    """Return whether JSON can be enforced: Gemini 2 refuses it together with functions."""
    options = call.request.options
    return options.wants_json and (not options.tools or needs_signatures(call.model))


def _instructions(call: ProviderCall) -> list[str]:
    options = call.request.options
    found: list[str] = []
    if options.wants_json and not _has_json_mode(call):
        schema = schema_of(options)
        found.append(JSON_ASKED if schema is None else schema_in_words(schema))
    if options.tools and options.parallel_tool_calls is False:
        found.append(ONE_CALL_ASKED)
    return found


def _config(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    options = call.request.options
    config: dict[str, Any] = {
        "maxOutputTokens": call.output_tokens,
        "temperature": options.temperature,
        "topP": options.top_p,
        "stopSequences": [stop for stop in options.stop if stop][: spec.most_stops] or None,
        "seed": None if options.seed is None else options.seed % _SEEDS,
        "candidateCount": call.request.n if call.request.n > 1 else None,
        "thinkingConfig": _thinking(call, thinking_off(call, spec)),
    }
    if takes_penalties(call.model):
        config["frequencyPenalty"] = options.frequency_penalty
        config["presencePenalty"] = options.presence_penalty
    if _has_json_mode(call):
        config["responseMimeType"] = "application/json"
        schema = schema_of(options)
        config["responseJsonSchema"] = gemini_schema(schema) if schema else None
    return {name: value for name, value in config.items() if value is not None}


def _declared(tool: Tool) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": safe_name(tool.name, GEMINI_NAME), "description": tool.description}
    if tool.parameters:
        declared["parametersJsonSchema"] = gemini_schema(parameters_schema(tool.parameters))
    return declared


def _tool_config(options: Options) -> dict[str, Any]:
    """Return how to choose among the functions. A list of allowed ones needs the mode ANY or VALIDATED."""
    choice, names = allowed_mode(options), allowed_names(options)
    if isinstance(choice, Mapping):
        function: Any = choice.get("function") or {}
        choice, names = "required", (str(function.get("name", "")),)
    if choice is None:
        return {}
    mode = _TOOL_MODES.get(str(choice), "AUTO")
    if names is None:
        return {"toolConfig": {"functionCallingConfig": {"mode": mode}}}
    allowed = [safe_name(name, GEMINI_NAME) for name in names]
    mode = "VALIDATED" if mode == "AUTO" else mode
    return {"toolConfig": {"functionCallingConfig": {"mode": mode, "allowedFunctionNames": allowed}}}


def _thinking(call: ProviderCall, off: Mapping[str, Any]) -> dict[str, Any] | None:
    effort = call.request.options.reasoning_effort
    if not effort:
        return dict(off) or None
    if needs_signatures(call.model):
        level = _EFFORT_LEVEL.get(effort, effort)
        has_minimal = not any(part in call.model for part in _NO_MINIMAL)
        level = level if level != "minimal" or has_minimal else "low"
        return {"thinkingLevel": level, **_shown(effort)}
    budget = _EFFORT_BUDGET.get(effort, 24576)
    least = next((tokens for part, tokens in _LEAST_BUDGET.items() if part in call.model), 0)
    if budget == 0 and "2.5-pro" in call.model:
        budget = least
    return {"thinkingBudget": max(budget, least) if budget else 0, **_shown(effort)}


def _shown(effort: str) -> dict[str, Any]:
    """Return the field that requests the thoughts themselves, for a request with a reasoning effort."""
    return {} if effort in {"none", "minimal"} else {"includeThoughts": True}


def mended(messages: Sequence[Message]) -> tuple[str, list[Message]]:
    """Return the text of the system, and the other turns mended to Gemini's rules."""
    turns = messages if _are_plain(messages) else mended_turns(messages, RULES)
    system = "\n\n".join(turn.text for turn in turns if turn.role is Role.SYSTEM)
    return system, [turn for turn in turns if turn.role is not Role.SYSTEM]


def _are_plain(messages: Sequence[Message]) -> bool:
    """Return whether no turn needs mending: all are texts, and those of a user come first and last."""
    if not messages or not messages[0].role is messages[-1].role is Role.USER:
        return False
    return all(turn.role in _TALK and not turn.tool_calls and _has_text(turn.parts) for turn in messages)


def _has_text(parts: Sequence[Part]) -> bool:
    return len(parts) == 1 and isinstance(text := parts[0], Text) and bool(text.text.strip())


def contents(turns: Sequence[Message], model: str, rules: PictureRules) -> list[dict[str, Any]]:
    """Return the contents. Consecutive messages of one role are one content; tool results belong to the user.

    Raises CapabilityMissing for a picture that Gemini refuses.
    """
    found: list[dict[str, Any]] = []
    signs = needs_signatures(model)
    for turn in turns:
        role = "model" if turn.role is Role.ASSISTANT else "user"
        parts = list(_parts(turn, rules, signs=signs))
        if found and found[-1]["role"] == role:
            found[-1]["parts"] += parts
        elif parts:
            found.append({"role": role, "parts": parts})
    return found


def _parts(message: Message, rules: PictureRules, *, signs: bool) -> Iterator[dict[str, Any]]:
    if message.role is Role.TOOL:
        key = "error" if message.is_error else "result"
        yield {"functionResponse": {"name": message.name, "response": {key: message.text}}}
        yield from (_part(part, rules) for part in message.parts if isinstance(part, Image))
        return
    yield from (_part(part, rules) for part in message.parts)
    for number, call in enumerate(message.tool_calls):
        yield _call(call, is_first=number == 0, signs=signs)


def _call(call: ToolCall, *, is_first: bool, signs: bool) -> dict[str, Any]:
    """Return one function call as JSON. Of parallel calls only the first one needs a signature."""
    part: dict[str, Any] = {"functionCall": {"name": call.name, "args": arguments_object(call.arguments)}}
    signature = call.signature or (NO_SIGNATURE if is_first else "")
    return {**part, "thoughtSignature": signature} if signs and signature else part


def without_signatures(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the contents with every signature replaced by NO_SIGNATURE: Gemini refuses other accounts' signatures."""
    return [
        {
            **content,
            "parts": [
                {**part, "thoughtSignature": NO_SIGNATURE} if "thoughtSignature" in part else part
                for part in content["parts"]
            ],
        }
        for content in found
    ]


def _part(part: Part, rules: PictureRules) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    kind, content = checked_picture(part, rules)
    return {"inlineData": {"mimeType": kind, "data": content}}
