"""Checks of Gemini's contents, functions and configuration."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.providers.refusals import Refusal, StandInRefused

MOST_STOPS = 5
SIGNATURE = "c2lnbmVk"
_SIGNATURES = {SIGNATURE, "skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_UNKNOWN_IN_SCHEMAS = {"$schema", "const", "exclusiveMinimum", "exclusiveMaximum", "allOf", "not", "if", "definitions"}


def check_request(body: Mapping[str, Any], model: str, turns: Sequence[Mapping[str, Any]]) -> None:
    """Raise StandInRefused for the first fault."""
    for message in (*_of_turns(turns, model), *_of_functions(body), *_of_config(body, model)):
        raise StandInRefused(Refusal(400, message, "INVALID_ARGUMENT"))


def _of_turns(turns: Sequence[Mapping[str, Any]], model: str) -> Iterator[str]:
    for number, turn in enumerate(turns):
        parts = [part for part in turn.get("parts") or () if isinstance(part, dict)]
        if not parts or all(part.get("text") == "" for part in parts):
            yield "Unable to submit request because it must have a text parameter."
        calls = [part for part in parts if "functionCall" in part]
        results = [part for part in parts if "functionResponse" in part]
        if calls:
            yield from _of_step(turns, number, len(calls))
            signature = calls[0].get("thoughtSignature")
            if needs_signatures(model) and signature and signature not in _SIGNATURES:
                yield "Corrupted thought signature."
            if needs_signatures(model) and not signature:
                name = calls[0]["functionCall"].get("name")
                yield (
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                    f"work correctly. Additional data, function call `default_api:{name}`, position 1."
                )
        before = turns[number - 1].get("parts") or () if number else ()
        if len(results) != sum("functionCall" in part for part in before):
            yield (
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )


def _of_step(turns: Sequence[Mapping[str, Any]], number: int, calls: int) -> Iterator[str]:
    if number == 0 or turns[number - 1].get("role", "user") != "user":
        yield "Please ensure that function call turn comes immediately after a user turn or a function response turn."
    following = turns[number + 1].get("parts") or () if number + 1 < len(turns) else ()
    if sum("functionResponse" in part for part in following) != calls:
        yield "Please ensure that the number of function response parts is equal to the number of function call parts."


def needs_signatures(model: str) -> bool:
    return not re.match(r"gemini-[12]\.|gemma", model)


def _of_functions(body: Mapping[str, Any]) -> Iterator[str]:
    declared = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
    for number, function in enumerate(declared):
        if not _NAME.fullmatch(str(function.get("name"))):
            yield f"GenerateContentRequest.tools[0].function_declarations[{number}].name: Invalid function name."
        if unknown := _unknown_names(function.get("parametersJsonSchema")):
            yield f'Invalid JSON payload received. Unknown name "{unknown}" in a schema.'
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if config.get("allowedFunctionNames") and config.get("mode") not in {"ANY", "VALIDATED"}:
        yield "Allowed function names should only be set when the function calling mode is ANY or VALIDATED."


def _of_config(body: Mapping[str, Any], model: str) -> Iterator[str]:
    config = body.get("generationConfig") or {}
    if len(config.get("stopSequences") or ()) > MOST_STOPS:
        yield "The number of stop sequences must be at most 5."
    if not 0 <= config.get("temperature", 0) <= 2:  # noqa: PLR2004
        yield "temperature must be in the range [0.0, 2.0]."
    if config.get("responseMimeType") == "application/json" and body.get("tools") and not needs_signatures(model):
        yield "Function calling with a response mime type: 'application/json' is unsupported"
    if unknown := _unknown_names(config.get("responseJsonSchema")):
        yield f'Invalid JSON payload received. Unknown name "{unknown}" in a schema.'


def _unknown_names(schema: Any) -> str:
    """Return a schema keyword that Gemini does not define; empty if there is none."""
    if not isinstance(schema, dict):
        return ""
    own = sorted(_UNKNOWN_IN_SCHEMAS & set(schema))
    inner = [schema.get("items"), *(schema.get("anyOf") or ())]
    inner += [*(schema.get("properties") or {}).values(), *(schema.get("$defs") or {}).values()]
    return own[0] if own else next((found for each in inner if (found := _unknown_names(each))), "")
