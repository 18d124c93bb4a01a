"""Templates of messages that say that a prompt is longer than a model's context."""

import re
from typing import NamedTuple

from engine.providers.message_templates import N, matched, number_in

_LONGEST = rf"(?P<longest>{N})"
_SIZES = rf"{N} (?:in|of|for)(?: the)? [a-z ]{{1,30}}(?:[,;] {N} (?:in|of|for)(?: the)? [a-z ]{{1,30}}){{0,3}}"
_REDUCE = r"(?: Please reduce the length of [a-z ]{1,60}(?:, or use [a-z \"-]{1,80})?\.)?"
_TEMPLATES = tuple(
    re.compile(template, re.IGNORECASE)  # versions of a provider differ in upper and lower case
    for template in (
        # OpenAI, DeepSeek, vLLM, OpenRouter, Groq
        (
            rf"This (?:model|endpoint)'s maximum context length is {_LONGEST} tokens[.,] however,? "
            rf"you requested(?: about)? {N} tokens(?: \({_SIZES}\))?\.?{_REDUCE}"
        ),
        (
            rf"This model's maximum context length is {_LONGEST} tokens[.,] however,? "
            rf"your (?:messages|prompt|request) (?:resulted in|has|contains)(?: at least)? {N} (?:input )?tokens"
            rf"(?: \({_SIZES}\))?\.?{_REDUCE}"
        ),
        (
            rf"'max_tokens' or 'max_completion_tokens' is too large: {N}\. "
            rf"This model's maximum context length is "
            rf"{_LONGEST} tokens and your request has {N} input tokens \({N} > {N} - {N}\)\.?(?: None)?"
        ),
        (
            rf"You passed {N} input (?:tokens|characters) and requested {N} output tokens\. However, the model's "
            rf"context length is only {_LONGEST} tokens, resulting in a maximum input length of {N} tokens\."
            rf"(?: Please reduce the length of the input prompt(?: by at least {N} characters)?\.)?"
        ),
        r"Your input exceeds the context window of this model\. Please adjust your input and try again\.",
        r"Please reduce the length of the messages or completion\.",
        # Anthropic
        rf"prompt is too long: {N} tokens > {_LONGEST} maximum",
        (
            rf"input length and `max_tokens` exceed context limit: {N} \+ {N} > {_LONGEST}, "
            r"decrease input length or `max_tokens` and try again"
        ),
        # Gemini
        (
            rf"The input token count(?: is)?(?: \(?{N}\)?)? exceeds the maximum number of tokens allowed "
            rf"\(?{_LONGEST}\)?\.?"
        ),
        rf"(?:The )?input token count is {N} but (?:the )?model only supports up to {_LONGEST}\.?",
        # Mistral
        (
            rf"Prompt contains {N} tokens(?: and {N} draft tokens)?, too large for model with {_LONGEST} maximum "
            r"context length\.?"
        ),
        # llama.cpp, LM Studio
        (
            rf"(?:the )?request(?: \({N} tokens\))? exceeds the available context size(?: \({_LONGEST} tokens\))?[.,] "
            r"try increasing (?:it|the context size or enable context shift)\.?"
        ),
        (
            rf"Trying to keep the first {N} tokens when context the overflows\. However, the model is loaded with "
            rf"context length of only {_LONGEST} tokens, which is not enough\. Try to load the model with a larger "
            r"context length, or provide a shorter input\.?(?: Error Data: n/a, Additional Data: n/a)?"
        ),
        (
            rf"The number of tokens to keep from the initial prompt is greater than the context length"
            rf"(?: \(n_keep: {N} ?>= ?n_ctx: {_LONGEST}\))?\. ?Try to load the model with a larger context length, or "
            r"provide a shorter input\.?(?: Error Data: n/a, Additional Data: n/a)?"
        ),
        r"The number of tokens to keep from the initial prompt is greater than the context length\.?",
        # SiliconFlow
        rf"length of prompt_tokens \({N}\) must be less than max_seq_len \({_LONGEST}\)\.?",
        # xAI
        rf"This model's maximum prompt length is {_LONGEST} but the request contains {N} tokens\.?",
        # Moonshot
        rf"(?:Invalid request: )?Your request exceeded model token limit: {_LONGEST}(?: \(requested: {N}\))?\.?",
        # DashScope
        (
            r"(?:<\d{3}> )?(?:InternalError\.Algo\.InvalidParameter: )?"
            rf"Range of input length should be \[{N}, {_LONGEST}\]"
        ),
        # Fireworks
        rf"The prompt is too long: {N}, model maximum context length: {_LONGEST}",
        # Bedrock
        r"(?:The model returned the following errors: )?Input is too long for requested model\.?",
        # Text Generation Inference, Together
        (
            rf"Input validation error: `inputs` tokens \+ `max_new_tokens` must be <= {_LONGEST}\. "
            rf"Given: {N} `inputs` tokens and {N} `max_new_tokens`"
        ),
        rf"Input validation error: `inputs` must have less than {_LONGEST} tokens\. Given: {N}",
        # SGLang, Together, vLLM
        rf"The input \({N} tokens\) is longer than the model's context length \({_LONGEST} tokens\)\.?",
        rf"Input length \({N}\) exceeds model's maximum context length \({_LONGEST}\)\.?",
        (
            rf"Requested token count exceeds the model's maximum context length of {_LONGEST} tokens\."
            rf"(?: You requested a total of {N} tokens: {N} tokens from the input messages and {N} tokens for the "
            r"completion\.(?: Please reduce the number of tokens in the input messages or the completion to fit "
            r"within the limit\.)?)?"
        ),
        # Poolside, GLM behind LiteLLM
        rf"Input length {N} exceeds the maximum allowed input length of {_LONGEST} tokens\.?",
        # Atlas
        (
            rf"Prompt too long: {N} tokens exceeds max_(?:seq|model)_len {_LONGEST}"
            r"(?: \(leave room for output tokens\))?\.?"
        ),
        rf"max_tokens must be at least 1, got -{N}\.?",
        # Cerebras, SambaNova
        (
            r"Please reduce the length of the messages or completion\. "
            rf"Current length is {N} while limit is {_LONGEST}\.?"
        ),
        (
            rf"The maximum context length of [\w./-]{{1,100}} is {_LONGEST}\. "
            rf"However, answering your request will take {N} tokens\. "
            r"Please reduce the length of the messages or the specified max_completion_tokens value\."
        ),
        # Cohere
        (
            rf"too many tokens: total number of tokens in the prompt cannot exceed {_LONGEST} - received {N}\."
            r"(?: Try using a shorter prompt(?:, or enabling prompt truncating\. See \S{1,100} for more details\.)?)?"
        ),
        # MiniMax, GitHub Copilot, Ollama
        r"invalid params, context window exceeds limit(?: \(2013\))?",
        rf"prompt token count of {N} exceeds the limit of {_LONGEST}",
        rf"prompt too long; exceeded (?:max )?context length(?: by {N} tokens)?",
    )
)


class ContextText(NamedTuple):
    """A message about the length of the context. `tokens`: that length, if the message contains it."""

    tokens: int | None


def context_text(message: str) -> ContextText | None:
    """Read a message that the prompt is longer than the context; return None for any other message."""
    found = matched(_TEMPLATES, message)
    return None if found is None else ContextText(number_in(found, "longest"))
