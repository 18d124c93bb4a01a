"""Templates of messages that refuse a field of a request: some servers, and most proxies, send no `param` and no code.

A message is read only if all of it fits a template whose variables are numbers, names of models and the fields
listed here. It then decides about one request: the field is left out, and the request repeated.
"""

import re

_FIELDS = (
    "temperature",
    "top_p",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "parallel_tool_calls",
    "reasoning_effort",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
)
_MOST_CHARS = 400
_NUMBER = r"-?\d{1,12}(?:\.\d{1,20})?"
_MODEL = r"[\w./:@-]{1,100}"


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


_NAMES = {spelling: name for name in _FIELDS for spelling in (name, _camel(name))}
_FIELD = rf"['\"`]?(?P<field>{'|'.join(sorted(_NAMES, key=len, reverse=True))})['\"`]?"
_VALUE = rf"(?:True|False|None|{_NUMBER}|\{{'include_usage': True(?:, 'include_obfuscation': False)?\}})"
_DOCS = r"(?: Please consult our documentation at https://[\w./-]{1,120})?"
_TEMPLATES = tuple(
    re.compile(template, re.IGNORECASE)
    for template in (
        # OpenAI, Azure, and proxies that pass on the message alone
        (
            rf"Unsupported (?:parameter|value): {_FIELD} (?:is not supported with this model"
            rf"|does not support {_NUMBER} with this model)\."
            rf"(?: Use '\w{{1,40}}' instead\.| Only the default \({_NUMBER}\) value is supported\.)?"
        ),
        rf"(?:Unrecognized request argument supplied|Unknown parameter): {_FIELD}\.?",
        # vLLM, Mistral
        (
            rf"\[\{{'type': 'extra_forbidden', 'loc': \('body', {_FIELD}\), 'msg': 'Extra inputs are not permitted'"
            rf"(?:, 'input': {_VALUE})?\}}\]"
        ),
        # xAI
        rf"Argument not supported on this model: {_FIELD}\.?",
        rf"Model {_MODEL} does not support parameter {_FIELD}\.?",
        # Fireworks
        rf"Extra inputs are not permitted, field: {_FIELD}(?:, value: {_VALUE})?\.?",
        # Moonshot
        rf"invalid {_FIELD}: only {_NUMBER} is allowed for this model",
        # Groq
        rf"property {_FIELD} is unsupported",
        rf"{_FIELD} is not supported with this model\.?",
        # Claude, also behind Bedrock
        (
            r"(?:The model returned the following errors: )?[`']?temperature[`']? and [`']?(?P<field>top_p)[`']? "
            r"cannot both be specified for this model\.?(?: Please use only one\.)?"
        ),
        rf"(?:The model returned the following errors: )?{_FIELD} is deprecated for this model\.?",
        (
            rf"(?:The model returned the following errors: )?{_FIELD} may only be set to {_NUMBER} when thinking is "
            rf"enabled(?: or in adaptive mode)?\.{_DOCS}"
        ),
        (
            rf"(?:The model returned the following errors: )?{_FIELD} must be greater than or equal to {_NUMBER} or "
            rf"unset when thinking is enabled(?: or in adaptive mode)?\.?{_DOCS}"
        ),
        # Gemini's OpenAI endpoint
        rf"Invalid JSON payload received\. Unknown name {_FIELD}(?: at '[\w.]{{1,60}}')?: Cannot find field\.?",
    )
)


def refused_field_of(message: str) -> str:
    """Return the field that a message refuses, by its name in OpenAI's API; empty for any other message."""
    text = message.strip()
    if len(text) > _MOST_CHARS:
        return ""
    found = next((found for template in _TEMPLATES if (found := template.fullmatch(text))), None)
    return "" if found is None else _known(found["field"])


def _known(spelling: str) -> str:
    lower = spelling.lower()
    return next(name for known, name in _NAMES.items() if known.lower() == lower)
