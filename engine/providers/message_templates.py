"""Templates of providers' error messages.

Providers quote the request in their messages, so messages are never searched for words. A message is read only if it
fits a known template as a whole, with numbers as variables, and then it affects only one request.
"""

import re
from typing import NamedTuple

MOST_MESSAGE_CHARS = 600  # longer messages fit no template
LONGEST_WAIT_IN_MESSAGE_SECONDS = 600.0
LEAST_AFFORDABLE_TOKENS = 256  # an account that can pay for fewer tokens counts as empty
_N = r"\d[\d,]{0,11}"
_LONGEST = rf"(?P<longest>{_N})"
_SIZES = rf"{_N} (?:in|of|for)(?: the)? [a-z ]{{1,30}}(?:[,;] {_N} (?:in|of|for)(?: the)? [a-z ]{{1,30}}){{0,3}}"
_REDUCE = r"(?: Please reduce the length of [a-z ]{1,60}(?:, or use [a-z \"-]{1,80})?\.)?"
_CONTEXT = tuple(
    re.compile(template, re.IGNORECASE)  # versions of a provider differ in upper and lower case
    for template in (
        # OpenAI, DeepSeek, vLLM, OpenRouter, Groq
        (
            rf"This (?:model|endpoint)'s maximum context length is {_LONGEST} tokens[.,] however,? "
            rf"you requested(?: about)? {_N} tokens(?: \({_SIZES}\))?\.?{_REDUCE}"
        ),
        (
            rf"This model's maximum context length is {_LONGEST} tokens[.,] however,? "
            rf"your (?:messages|prompt|request) (?:resulted in|has|contains)(?: at least)? {_N} (?:input )?tokens"
            rf"(?: \({_SIZES}\))?\.?{_REDUCE}"
        ),
        (
            rf"'max_tokens' or 'max_completion_tokens' is too large: {_N}\. "
            rf"This model's maximum context length is "
            rf"{_LONGEST} tokens and your request has {_N} input tokens \({_N} > {_N} - {_N}\)\.?(?: None)?"
        ),
        (
            rf"You passed {_N} input (?:tokens|characters) and requested {_N} output tokens\. However, the model's "
            rf"context length is only {_LONGEST} tokens, resulting in a maximum input length of {_N} tokens\."
            rf"(?: Please reduce the length of the input prompt(?: by at least {_N} characters)?\.)?"
        ),
        r"Your input exceeds the context window of this model\. Please adjust your input and try again\.",
        r"Please reduce the length of the messages or completion\.",
        # Anthropic
        rf"prompt is too long: {_N} tokens > {_LONGEST} maximum",
        (
            rf"input length and `max_tokens` exceed context limit: {_N} \+ {_N} > {_LONGEST}, "
            r"decrease input length or `max_tokens` and try again"
        ),
        # Gemini
        (
            rf"The input token count(?: is)?(?: \(?{_N}\)?)? exceeds the maximum number of tokens allowed "
            rf"\(?{_LONGEST}\)?\.?"
        ),
        rf"(?:The )?input token count is {_N} but (?:the )?model only supports up to {_LONGEST}\.?",
        # Mistral
        (
            rf"Prompt contains {_N} tokens(?: and {_N} draft tokens)?, too large for model with {_LONGEST} maximum "
            r"context length\.?"
        ),
        # llama.cpp, LM Studio
        (
            rf"(?:the )?request(?: \({_N} tokens\))? exceeds the available context size(?: \({_LONGEST} tokens\))?[.,] "
            r"try increasing (?:it|the context size or enable context shift)\.?"
        ),
        (
            rf"Trying to keep the first {_N} tokens when context the overflows\. However, the model is loaded with "
            rf"context length of only {_LONGEST} tokens, which is not enough\. Try to load the model with a larger "
            r"context length, or provide a shorter input\.?(?: Error Data: n/a, Additional Data: n/a)?"
        ),
        (
            rf"The number of tokens to keep from the initial prompt is greater than the context length"
            rf"(?: \(n_keep: {_N} ?>= ?n_ctx: {_LONGEST}\))?\. ?Try to load the model with a larger context length, or "
            r"provide a shorter input\.?(?: Error Data: n/a, Additional Data: n/a)?"
        ),
    )
)
_DURATION = r"(?P<wait>(?:\d{1,6}(?:\.\d{1,9})?(?:ms|s|m|h))+)"
_NAME = r"`?[\w./:@-]{1,100}`?"
_WAIT = re.compile(
    rf"(?:Rate limit reached(?: for(?: model)? {_NAME})?(?: in organization {_NAME})?(?: service tier {_NAME})?"
    rf"(?: on [a-z ]{{1,40}} \([A-Z]{{2,4}}\))?(?:: Limit {_N}, (?:Used {_N}, )?Requested ~?{_N})?\. )?"
    rf"Please (?:try again|retry) in {_DURATION}\."
    r"(?: (?:Visit|Need more tokens\?|Contact us) [\w ./:,?-]{1,160})?"
)
_BALANCE = tuple(
    re.compile(template)
    for template in (
        (
            r"Your credit balance is too low to access the (?:Anthropic|Claude) API\. "
            r"Please go to Plans & Billing to upgrade or purchase credits\."
        ),
        (
            r"You have reached your specified(?: workspace)? API usage limits\. "
            r"You will regain access on \d{4}-\d\d-\d\d at \d\d:\d\d UTC\."
        ),
    )
)
_OVER_BUDGET = tuple(
    re.compile(template)
    for template in (
        (
            rf"This request requires more credits, or fewer max_tokens\. You requested up to {_N} tokens, "
            rf"but can only afford (?P<affordable>{_N})\.(?: To increase, visit [\w ./:-]{{1,160}})?"
        ),
        rf"Prompt tokens limit exceeded: {_N} > (?P<affordable>{_N})\.(?: To increase, visit [\w ./:-]{{1,160}})?",
    )
)
_TOO_LARGE = re.compile(rf"Request too large for(?: model)? {_NAME}(?: [\w `:,.()/?-]{{1,500}})?")
_THINKING = tuple(
    re.compile(template)
    for template in (
        rf"Budget {_N} is invalid\. This model only works in thinking mode\.",
        rf"The thinking budget {_N} is invalid\. Please choose a value between {_N} and {_N}\.",
        (
            r"Thinking level (?:MINIMAL|LOW|MEDIUM|HIGH) is not supported for this model\."
            r"(?: Please retry with other thinking level\.)?"
        ),
        r"Thinking (?:level|budget) is not supported for this model\.",
        rf"(?:Unable to submit request because )?The model does not support setting thinking_budget to {_N}\.?",
        r"Reasoning is mandatory for this endpoint and cannot be disabled\.",
    )
)
_OUTPUT_LIMIT = re.compile(  # OpenAI, if reasoning used up the whole limit
    r"Could not finish the message because max_tokens or model output limit was reached\. "
    r"Please try again with higher max_tokens\."
)
_SIGNATURE = re.compile(
    r"(?:Corrupted|Invalid) thought signature\.?"
    r"|(?:Unable to submit request because )?[Tt]hought signature is not valid\.?(?: Learn more: https://\S{1,200})?"
)
_NO_ENDPOINTS = re.compile(r"No endpoints found that [a-z ,-]{1,120}\.?(?: To learn more [\w ./:,-]{1,200})?")


class ContextText(NamedTuple):
    """A message about the length of the context. `tokens`: that length, if the message contains it."""

    tokens: int | None


def context_text(message: str) -> ContextText | None:
    """Read a message that the prompt is longer than the context; return None for any other message."""
    found = _match(_CONTEXT, message)
    return None if found is None else ContextText(_number(found, "longest"))


def wait_text(message: str) -> str | None:
    """Return the wait in a rate-limit message, such as `7m12.5s`; None for any other message."""
    found = _match((_WAIT,), message)
    return None if found is None else found["wait"]


def is_balance_text(message: str) -> bool:
    """Return whether the message says that the account's balance or spend limit is used up."""
    return _match(_BALANCE, message) is not None


def affordable_tokens(message: str) -> int | None:
    """Return the tokens that the account can pay for, if the message refuses a request because it asks for more."""
    found = _match(_OVER_BUDGET, message)
    return None if found is None else _number(found, "affordable")


def is_too_large_text(message: str) -> bool:
    """Return whether the message says that this single request exceeds the tokens per minute."""
    return _match((_TOO_LARGE,), message) is not None


def is_thinking_text(message: str) -> bool:
    """Return whether the message refuses the field that switches a model's thinking."""
    return _match(_THINKING, message) is not None


def is_output_limit_text(message: str) -> bool:
    """Return whether the message says that the output limit was used up before any content."""
    return _match((_OUTPUT_LIMIT,), message) is not None


def is_signature_text(message: str) -> bool:
    """Return whether the message refuses a thought signature in the history."""
    return _match((_SIGNATURE,), message) is not None


def is_no_endpoints_text(message: str) -> bool:
    """Return whether the message says that no endpoint of the model has a capability that the request needs."""
    return _match((_NO_ENDPOINTS,), message) is not None


def _match(templates: tuple[re.Pattern[str], ...], message: str) -> re.Match[str] | None:
    text = message.strip()
    if len(text) > MOST_MESSAGE_CHARS:
        return None
    return next((found for template in templates if (found := template.fullmatch(text))), None)


def _number(found: re.Match[str], name: str) -> int | None:
    digits = found.groupdict().get(name)
    return int(digits.replace(",", "")) if digits else None
