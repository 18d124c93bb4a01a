"""Templates of providers' error messages.

Providers quote the request in their messages, so messages are never searched for words. A message is read only if it
fits a known template as a whole, with numbers as variables, and then it affects only one request.
"""

import re

MOST_MESSAGE_CHARS = 600  # longer messages fit no template
LONGEST_WAIT_IN_MESSAGE_SECONDS = 600.0
LEAST_AFFORDABLE_TOKENS = 256  # an account that can pay for fewer tokens counts as empty
N = r"\d[\d,]{0,11}"
"""A number in a template; its digits may be grouped by commas."""
_DURATION = r"(?P<wait>(?:\d{1,6}(?:\.\d{1,9})?(?:ms|s|m|h))+)"
_NAME = r"`?[\w./:@-]{1,100}`?"
_WAIT = tuple(
    re.compile(template)
    for template in (
        (
            rf"(?:Rate limit reached(?: for(?: model)? {_NAME})?(?: in organization {_NAME})?"
            rf"(?: service tier {_NAME})?(?: on [a-z ]{{1,40}} \([A-Z]{{2,4}}\))?"
            rf"(?:: Limit {N}, (?:Used {N}, )?Requested ~?{N})?\. )?Please (?:try again|retry) in {_DURATION}\."
            r"(?: (?:Visit|Need more tokens\?|Contact us) [\w ./:,?-]{1,160})?"
        ),
        # Moonshot
        (
            r"Your account [\w<>-]{1,120} request reached (?:organization |user )?max [A-Za-z]{1,12}: "
            rf"{N}, please try again after (?P<wait>\d{{1,6}}) seconds?"
        ),
        r"(?:Rate limit exceeded\. )?Please (?:retry|try again) (?:after|in) (?P<wait>\d{1,6}) seconds?\.?",
    )
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
        r"This organization has been disabled\.",
    )
)
_OVER_BUDGET = tuple(
    re.compile(template)
    for template in (
        (
            rf"This request requires more credits, or fewer max_tokens\. You requested up to {N} tokens, "
            rf"but can only afford (?P<affordable>{N})\.(?: To increase, visit [\w ./:-]{{1,160}})?"
        ),
        rf"Prompt tokens limit exceeded: {N} > (?P<affordable>{N})\.(?: To increase, visit [\w ./:-]{{1,160}})?",
    )
)
_TOO_LARGE = re.compile(rf"Request too large for(?: model)? {_NAME}(?: [\w `:,.()/?-]{{1,500}})?")
_THINKING = tuple(
    re.compile(template)
    for template in (
        rf"Budget {N} is invalid\. This model only works in thinking mode\.",
        rf"The thinking budget {N} is invalid\. Please choose a value between {N} and {N}\.",
        (
            r"Thinking level (?:MINIMAL|LOW|MEDIUM|HIGH) is not supported for this model\."
            r"(?: Please retry with other thinking level\.)?"
        ),
        r"Thinking (?:level|budget) is not supported for this model\.",
        rf"(?:Unable to submit request because )?The model does not support setting thinking_budget to {N}\.?",
        r"Reasoning is mandatory for this endpoint and cannot be disabled\.",
    )
)
_OUTPUT_LIMIT = re.compile(  # OpenAI, if reasoning used up the whole limit
    r"Could not finish the message because max_tokens or model output limit was reached\. "
    r"Please try again with higher max_tokens\."
)
_SIGNATURE = re.compile(
    r"(?:Corrupted|Invalid) thought signature\.?"
    r"|messages\.\d+\.content\.\d+(?:\.redacted_thinking\.data)?: "  # Claude
    r"(?:Invalid `signature` in `thinking` block|Invalid `data` in `redacted_thinking` block"
    r"|`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified)\.?"
    r"(?: The block is bound to a different conversation\.| These blocks must remain as they were in the original "
    r"response\.)?"
    r"|(?:Unable to submit request because )?[Tt]hought signature is not valid\.?(?: Learn more: https://\S{1,200})?"
)
_SAFETY = re.compile(  # xAI, with status 403
    r"Content violates usage guidelines\.(?: Team: [\w-]{1,80}, API key ID: [\w-]{1,80}, Model: [\w./:-]{1,100},)?"
    r" Failed check: [A-Z_]{1,80}\.?"
)
_ABILITIES = tuple(
    re.compile(template)
    for template in (
        # Ollama
        rf"{_NAME} does not support (?:tools|thinking|chat|vision|image input|insert)",
        # vLLM
        r'"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        r"[\w./:@-]{1,100} is not a multimodal model(?: None)?",
        # llama.cpp
        r"(?:tools|tool_choice) param requires --jinja flag",
        r"image input is not supported(?: - hint: if this is unexpected, you may need to provide the mmproj)?",
        # Groq
        r"`tool calling` is not supported with this model",
        (
            r"This model does not support response format `json_(?:schema|object)`\."
            r"(?: See supported models at \S{1,120})?"
        ),
        # DeepSeek
        r"This response_format type is unavailable now",
        r"Model Not Exist",
        # Gemma on Gemini's API
        (
            r"(?:Function calling|JSON mode|(?:Image|Audio) input modality) is not enabled for "
            r"(?:models/[\w.-]{1,80}|this model)\.?"
        ),
        # DashScope, Moonshot
        (
            r"(?:<\d{3}> )?(?:InternalError\.Algo\.InvalidParameter: )?The tool_choice parameter does not support "
            r"being set to required or object in thinking mode\.?"
        ),
        r"tool_choice '(?:required|specified)' is incompatible with thinking enabled",
    )
)
_RATE = re.compile(r"Allocated quota exceeded, please increase your quota limit\.?")  # DashScope: tokens a minute
_LOCATION = re.compile(r"User location is not supported for the API use\.?")  # Gemini
_NO_ENDPOINTS = re.compile(r"No endpoints found that [a-z ,-]{1,120}\.?(?: To learn more [\w ./:,-]{1,200})?")


def wait_text(message: str) -> str | None:
    """Return the wait in a rate-limit message, such as `7m12.5s`; None for any other message."""
    found = matched(_WAIT, message)
    return None if found is None else found["wait"]


def is_balance_text(message: str) -> bool:
    """Return whether the message says that the account's balance or spend limit is used up."""
    return matched(_BALANCE, message) is not None


def affordable_tokens(message: str) -> int | None:
    """Return the tokens that the account can pay for, if the message refuses a request because it asks for more."""
    found = matched(_OVER_BUDGET, message)
    return None if found is None else number_in(found, "affordable")


def is_too_large_text(message: str) -> bool:
    """Return whether the message says that this single request exceeds the tokens per minute."""
    return matched((_TOO_LARGE,), message) is not None


def is_thinking_text(message: str) -> bool:
    """Return whether the message refuses the field that switches a model's thinking."""
    return matched(_THINKING, message) is not None


def is_output_limit_text(message: str) -> bool:
    """Return whether the message says that the output limit was used up before any content."""
    return matched((_OUTPUT_LIMIT,), message) is not None


def is_signature_text(message: str) -> bool:
    """Return whether the message refuses a thought signature in the history."""
    return matched((_SIGNATURE,), message) is not None


def is_safety_text(message: str) -> bool:
    """Return whether the message refuses the content of the prompt."""
    return matched((_SAFETY,), message) is not None


def is_ability_text(message: str) -> bool:
    """Return whether the message says that this model, or this server, lacks an ability that the request needs."""
    return matched(_ABILITIES, message) is not None


def is_rate_text(message: str) -> bool:
    """Return whether the message refuses a rate, although its code speaks of a quota that is used up."""
    return matched((_RATE,), message) is not None


def is_location_text(message: str) -> bool:
    """Return whether the message refuses the place that the requests come from."""
    return matched((_LOCATION,), message) is not None


def is_no_endpoints_text(message: str) -> bool:
    """Return whether the message says that no endpoint of the model has a capability that the request needs."""
    return matched((_NO_ENDPOINTS,), message) is not None


def matched(templates: tuple[re.Pattern[str], ...], message: str) -> re.Match[str] | None:
    """Return the match of the first template that the whole of a message fits; None if there is none."""
    text = message.strip()
    if len(text) > MOST_MESSAGE_CHARS:
        return None
    return next((found for template in templates if (found := template.fullmatch(text))), None)


def number_in(found: re.Match[str], name: str) -> int | None:
    """Return the number that a group of a match holds; None if the template has no such group."""
    digits = found.groupdict().get(name)
    return int(digits.replace(",", "")) if digits else None
