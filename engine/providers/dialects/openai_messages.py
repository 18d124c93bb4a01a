"""The messages of OpenAI's chat completions, in the form that each provider accepts."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from engine.chat import ChatRequest, Image, Message, Part, Role, Text, ToolCall
from engine.json_limits import parsed
from engine.providers.mending.pictures import PictureRules, checked_picture, data_url
from engine.providers.mending.tool_names import PLAIN_NAME
from engine.providers.mending.tool_turns import arguments_object
from engine.providers.mending.turns import NO_TEXT, TurnRules, mended_turns
from engine.providers.model_facts import NO_SIGNATURE, needs_signatures
from engine.providers.spec import Spec
from engine.providers.streams.calls.signed_calls import FORMAT, signs_calls, signs_within_calls
from engine.providers.tool_ids import of_at_most, of_nine_letters

PICTURE_BELOW = "(see the picture below)"
_FILLER = "OK."
_UNSAFE_IN_NAMES = re.compile(r"[\s<|\\/>]")
_MOST_NAME_CHARS = 64
_RULES = TurnRules(of_at_most(40), PLAIN_NAME)
_TEMPLATE_RULES = TurnRules(of_at_most(40), PLAIN_NAME, needs_user=True)
_STRICT_RULES = TurnRules(of_at_most(40), PLAIN_NAME, refuses_blank=True, needs_user=True)
_NINE_LETTER_RULES = TurnRules(of_nine_letters, PLAIN_NAME, refuses_blank=True, needs_user=True)


def messages_json(
    request: ChatRequest, spec: Spec, model: str, *, thinks: bool, instruction: str = ""
) -> list[dict[str, Any]]:
    """Return the messages for `model`. `thinks`: the model will think. `instruction`: ours, put before the messages.

    Raises CapabilityMissing for a picture that the provider refuses.
    """
    turns = mended_turns(request.messages, _rules(spec))
    if spec.strict_turns:
        turns = _ordered(turns)
    if instruction:
        turns = _with_instruction(turns, instruction)
    if spec.is_self_hosted:
        turns = _with_one_system(turns)
    found: list[dict[str, Any]] = []
    pictures: list[dict[str, Any]] = []
    for turn in turns:
        if pictures and turn.role is not Role.TOOL:
            found += _of_user(pictures, spec)
            pictures = []
        found.append(_message_json(turn, spec, thinks=thinks))
        if turn.tool_calls:
            _sign(found[-1], turn, spec, model)
        if turn.role is Role.TOOL:
            pictures += _pictures_of(turn, spec.pictures)
    if pictures:
        found += _of_user(pictures, spec)
    if spec.strict_turns and turns[-1].role is Role.ASSISTANT:
        found[-1]["prefix"] = True
    return found


def _rules(spec: Spec) -> TurnRules:
    if spec.nine_letter_ids:
        return _NINE_LETTER_RULES
    if spec.is_self_hosted:
        return _TEMPLATE_RULES
    return _STRICT_RULES if spec.strict_turns else _RULES


def _with_instruction(turns: Sequence[Message], instruction: str) -> Sequence[Message]:
    """Return the turns with our instruction at the start of the system's text."""
    if turns[0].role is not Role.SYSTEM:
        return (Message(Role.SYSTEM, (Text(instruction),)), *turns)
    return (replace(turns[0], parts=(Text(f"{instruction}\n\n"), *turns[0].parts)), *turns[1:])


def _with_one_system(turns: Sequence[Message]) -> Sequence[Message]:
    """Return the turns with one system turn, at the beginning: some chat templates refuse others (Qwen3.5 on vLLM)."""
    system = [turn for turn in turns if turn.role is Role.SYSTEM]
    if not system or (len(system) == 1 and turns[0].role is Role.SYSTEM):
        return turns
    text = "\n\n".join(turn.text for turn in system if turn.text)
    return (Message(Role.SYSTEM, (Text(text),)), *(turn for turn in turns if turn.role is not Role.SYSTEM))


def _ordered(turns: Sequence[Message]) -> list[Message]:
    """Return the turns in an order that Mistral accepts.

    After an assistant's or a tool's turn, and at the end, a system turn becomes the user's. Between a tool's result and
    the user's next turn there is an assistant's turn.
    """
    found: list[Message] = []
    for number, turn in enumerate(turns, 1):
        before = found[-1].role if found else None
        is_moved = before in {Role.ASSISTANT, Role.TOOL} or number == len(turns)
        role = Role.USER if turn.role is Role.SYSTEM and is_moved else turn.role
        if before is Role.TOOL and role is Role.USER:
            found.append(Message(Role.ASSISTANT, (Text(_FILLER),)))
        found.append(turn if role is turn.role else Message(role, turn.parts))
    return found


def _of_user(pictures: list[dict[str, Any]], spec: Spec) -> Iterator[dict[str, Any]]:
    """Yield the pictures of tool results as a user's turn, because a tool's message accepts only text."""
    if spec.strict_turns:
        yield {"role": Role.ASSISTANT.value, "content": _FILLER}
    yield {"role": Role.USER.value, "content": pictures}


def _pictures_of(result: Message, rules: PictureRules) -> list[dict[str, Any]]:
    pictures = [_part_json(part, rules) for part in result.parts if isinstance(part, Image)]
    return [{"type": "text", "text": f"Picture in the result of {result.name}:"}, *pictures] if pictures else []


def _message_json(message: Message, spec: Spec, *, thinks: bool) -> dict[str, Any]:
    plain = message.role is Role.TOOL or all(isinstance(part, Text) for part in message.parts)
    content: Any = message.text if plain else [_part_json(part, spec.pictures) for part in message.parts]
    if message.role is Role.TOOL:
        has_pictures = any(isinstance(part, Image) for part in message.parts)
        empty = PICTURE_BELOW if has_pictures else NO_TEXT
        return _result_json(message, content or empty, with_name=spec.nine_letter_ids)
    body: dict[str, Any] = {"role": message.role.value, "content": content}
    if message.tool_calls:
        body["tool_calls"] = [_call_json(call, takes_any=spec.name == "openai") for call in message.tool_calls]
        body["content"] = content or None
    if message.name and "messages.name" not in spec.without:
        body["name"] = _UNSAFE_IN_NAMES.sub("_", message.name)[:_MOST_NAME_CHARS]
    gives_back = bool(message.thinking) or spec.needs_thinking_back
    if message.role is Role.ASSISTANT and spec.thinking_field and thinks and gives_back:
        body[spec.thinking_field] = message.thinking
    return body


def _result_json(message: Message, content: str, *, with_name: bool) -> dict[str, Any]:
    body = {"role": Role.TOOL.value, "content": content, "tool_call_id": message.tool_call_id}
    return {**body, "name": message.name} if with_name else body


def _part_json(part: Part, rules: PictureRules) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    url = data_url(*checked_picture(part, rules))
    return {"type": "image_url", "image_url": {"url": url, "detail": part.detail}}


def _call_json(call: ToolCall, *, takes_any: bool) -> dict[str, Any]:
    """Return one tool call. Servers other than OpenAI's parse the arguments, and accept only an object."""
    arguments = call.arguments or "{}"
    if not takes_any and not _is_object(arguments):
        arguments = json.dumps(arguments_object(arguments), ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _sign(message: dict[str, Any], turn: Message, spec: Spec, model: str) -> None:
    """Write the signatures of a turn's calls where the server expects them: beside the calls, or within them."""
    if signs_calls(spec, model):
        message["reasoning_details"] = list(_signatures_json(turn, model))
    elif signs_within_calls(spec, model):
        for signature in _signatures_json(turn, model):
            extra = {"google": {"thought_signature": signature["data"]}}
            message["tool_calls"][signature["index"]]["extra_content"] = extra


def _signatures_json(turn: Message, model: str) -> Iterator[dict[str, Any]]:
    """Yield the signatures of a turn's calls. Of parallel calls only the first one needs a signature."""
    for number, call in enumerate(turn.tool_calls):
        if signature := call.signature or (NO_SIGNATURE if not number and needs_signatures(model) else ""):
            yield {
                "type": "reasoning.encrypted",
                "data": signature,
                "id": call.id,
                "format": FORMAT,
                "index": number,
            }


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(parsed(arguments), dict)
    except ValueError:
        return False
