"""Templates of messages that refuse a request for its output limit alone: they name the largest one."""

import re

from engine.providers.message_templates import N, matched, number_in

LEAST_TOKENS = 64  # a smaller limit is not worth a repetition
_MOST = rf"(?P<most>{N})"
_LONGEST, _INPUT = rf"(?P<longest>{N})", rf"(?P<input>{N})"
_LIMITS = tuple(
    re.compile(template)
    for template in (
        # OpenAI
        (
            rf"max_(?:completion_)?tokens is too large: {N}\. This model supports at most {_MOST} completion tokens"
            rf"(?:, whereas you provided {N})?\.?"
        ),
        # Claude
        (
            rf"max_tokens: {N} > {_MOST}, which is the maximum allowed number of output tokens"
            r"(?: for [\w.:@/-]{1,100})?"
        ),
        # DeepSeek, DashScope, GLM
        rf"Invalid max_tokens value, the valid range of max_tokens is \[1, ?{_MOST}\]",
        rf"(?:<\d{{3}}> )?(?:InternalError\.Algo\.InvalidParameter: )?Range of max_tokens should be \[1, ?{_MOST}\]",
        rf"max_tokens参数非法\uff1a限制数值范围\[1, ?{_MOST}\]。?",
        # Groq
        (
            rf"`max_(?:completion_)?tokens` must be less than or equal to `{_MOST}`, the maximum value for "
            r"`max_(?:completion_)?tokens` is less than the `context_window` for this model"
        ),
        # Gemini
        (
            rf"Unable to submit request because it has a maxOutputTokens value of {N} but the supported range is "
            rf"from 1 \(inclusive\) to (?P<above>{N}) \(exclusive\)\.(?: Update the value and try again\.)?"
        ),
        # Cohere
        (
            rf"too many tokens: max tokens must be less than or equal to {_MOST}, the maximum output for this model - "
            rf"received {N}\."
        ),
    )
)
_ROOMS = tuple(
    re.compile(template, re.IGNORECASE)
    for template in (
        # OpenAI, DeepSeek, OpenRouter
        (
            rf"This (?:model|endpoint)'s maximum context length is {_LONGEST} tokens[.,] however,? you requested"
            rf"(?: about)? {N} tokens \({_INPUT} (?:in the messages|of(?: the)? text input), {N} in the (?:completion|"
            r"output)\)\.(?: Please reduce the length of [a-z ]{1,60}(?:, or use [a-z \"-]{1,80})?\.)?"
        ),
        # vLLM
        (
            rf"'max_tokens' or 'max_completion_tokens' is too large: {N}\. This model's maximum context length is "
            rf"{_LONGEST} tokens and your request has {_INPUT} input tokens \({N} > {N} - {N}\)\.?(?: None)?"
        ),
        (
            rf"You passed {_INPUT} input tokens and requested {N} output tokens\. However, the model's context length "
            rf"is only {_LONGEST} tokens, resulting in a maximum input length of {N} tokens\."
            rf"(?: Please reduce the length of the input prompt(?: by at least {N} characters)?\.)?"
        ),
        # Claude
        (
            rf"input length and `max_tokens` exceed context limit: {_INPUT} \+ {N} > {_LONGEST}, "
            r"decrease input length or `max_tokens` and try again"
        ),
        # SGLang
        (
            rf"Requested token count exceeds the model's maximum context length of {_LONGEST} tokens\. You requested a "
            rf"total of {N} tokens: {_INPUT} tokens from the input messages and {N} tokens for the completion\."
            r"(?: Please reduce the number of tokens in the input messages or the completion to fit within the "
            r"limit\.)?"
        ),
        # Text Generation Inference, Together
        (
            rf"Input validation error: `inputs` tokens \+ `max_new_tokens` must be <= {_LONGEST}\. "
            rf"Given: {_INPUT} `inputs` tokens and {N} `max_new_tokens`"
        ),
    )
)


def model_limit(message: str) -> int:
    """Return the largest output limit of the model that a message names; 0 for any other message."""
    found = matched(_LIMITS, message)
    if found is None:
        return 0
    return _worthwhile(number_in(found, "most") or (number_in(found, "above") or 1) - 1)


def room_left(message: str) -> int:
    """Return the output tokens for which a prompt leaves room in the context; 0 if a message does not say so."""
    found = matched(_ROOMS, message)
    return 0 if found is None else _worthwhile((number_in(found, "longest") or 0) - (number_in(found, "input") or 0))


def _worthwhile(tokens: int) -> int:
    return tokens if tokens >= LEAST_TOKENS else 0
