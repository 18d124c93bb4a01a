"""Classification of providers' errors: from status, code and type in any dialect to one ProviderError.

A message, a `param` and the metadata may quote a tenant's text. They decide nothing that outlasts the request: see
`message_templates`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from engine import errors
from engine.errors import ProviderError
from engine.providers.errors import codes
from engine.providers.errors.context_messages import context_text
from engine.providers.errors.details import ErrorDetails, error_details
from engine.providers.errors.field_messages import refused_field_of
from engine.providers.errors.form_messages import refused_form
from engine.providers.errors.output_limits import model_limit, room_left
from engine.providers.errors.turn_messages import refused_turns
from engine.providers.errors.waits import quotas, wait_seconds
from engine.providers.limit_headers import parse_limits
from engine.providers.message_templates import (
    LEAST_AFFORDABLE_TOKENS,
    affordable_tokens,
    is_ability_text,
    is_balance_text,
    is_location_text,
    is_no_endpoints_text,
    is_output_limit_text,
    is_rate_text,
    is_safety_text,
    is_signature_text,
    is_thinking_text,
    is_too_large_text,
)

MOST_DETAIL_CHARS = 200
MOST_CONTEXT_TOKENS = 10**9
THINKING = "thinking"
"""The `field` of an error that refuses to switch a model's thinking on or off, under any name of this field."""
SIGNATURES = "signatures"
"""The `field` of an error that refuses the thought signatures of the calls in the history."""


def refusal(status: int | None, body: Any, headers: Mapping[str, str]) -> ProviderError:
    """Return the fitting ProviderError. `status` None: the error came within a stream."""
    details = error_details(status, body, headers)
    make = next((make for fits, make in _CLASSES if fits(details)), _plain(errors.Overloaded))
    error = make(details)
    error.code, error.field = details.code, details.field
    if (named := refused_field_of(details.message)) and details.status is not None:
        error.field = named
    elif form := refused_turns(details.message) or refused_form(details.message):
        error.field = form
    elif is_thinking_text(details.message):
        error.field = THINKING
    elif is_signature_text(details.message):
        error.field = SIGNATURES
    return error


def json_or_text(body: bytes) -> Any:
    """Return the value of a body of JSON, else the beginning of its text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[:300].decode("utf-8", "replace")


def _rate_limited(details: ErrorDetails) -> ProviderError:
    return errors.RateLimited(
        details.message[:MOST_DETAIL_CHARS],
        status=details.status,
        retry_after_seconds=wait_seconds(details),
        per_day=any("perday" in quota.lower() for quota in quotas(details.body)),
        of_tokens=_is_of_tokens(details),
    )


def _is_of_tokens(details: ErrorDetails) -> bool:
    """Return whether a 429 concerns tokens: by its type, else by Gemini's quotas, else by the quota that is used up."""
    if details.is_one_of(codes.OF_TOKENS | codes.OF_REQUESTS):
        return details.is_one_of(codes.OF_TOKENS)
    if names := [quota.lower() for quota in quotas(details.body)]:
        return all("token" in quota for quota in names)
    limits = parse_limits(details.headers)
    return limits is not None and limits.tokens_left == 0 and limits.requests_left != 0


def _too_long(details: ErrorDetails) -> ProviderError:
    """Return the error of a prompt that is too long.

    It is certain by a code or type; a message affects one request only.
    """
    longest = details.body.get("n_ctx")
    if not isinstance(longest, int) or isinstance(longest, bool):
        found = context_text(details.message)
        longest = found.tokens if found is not None else None
    error = errors.ContextTooLong(
        details.message[:MOST_DETAIL_CHARS],
        status=details.status,
        context_tokens=longest if longest is not None and 0 < longest <= MOST_CONTEXT_TOKENS else None,
        is_certain=details.is_one_of(codes.CONTEXT),
    )
    error.most_output_tokens = room_left(details.message)
    return error


def _over_output_limit(details: ErrorDetails) -> ProviderError:
    error = errors.RequestFault(details.message[:MOST_DETAIL_CHARS], status=details.status)
    error.most_output_tokens = model_limit(details.message)
    return error


def _plain(kind: type[ProviderError]) -> Callable[[ErrorDetails], ProviderError]:
    return lambda details: kind(details.message[:MOST_DETAIL_CHARS], status=details.status)


def _at_output_limit(details: ErrorDetails) -> ProviderError:
    error = errors.RequestFault(details.message[:MOST_DETAIL_CHARS], status=details.status)
    error.is_length_ending = True
    return error


def _moderated(details: ErrorDetails) -> ProviderError:
    return errors.RequestFault(details.message[:MOST_DETAIL_CHARS], status=details.status, moderation=True)


def _is(*statuses: int) -> Callable[[ErrorDetails], bool]:
    return lambda details: details.status in statuses


def _is_over_budget(details: ErrorDetails) -> bool:
    """Return whether a 402 refuses only this request: the account can still pay for a smaller one."""
    return details.status == 402 and (affordable_tokens(details.message) or 0) >= LEAST_AFFORDABLE_TOKENS


def _has_no_balance(details: ErrorDetails) -> bool:
    if details.status in {402, 412}:  # Fireworks: the account is suspended
        return True
    if is_rate_text(details.message):
        return False
    if details.status == 400 and "failed_precondition" in details.words:
        return not is_location_text(details.message)
    return details.status in {400, 403, 412, 429, None} and details.is_one_of(codes.NO_BALANCE)


def _is_moderation(details: ErrorDetails) -> bool:
    """Return whether this is moderation: by its code, or by the reasons in OpenRouter's metadata."""
    metadata = details.body.get("metadata")
    has_reasons = isinstance(metadata, dict) and isinstance(metadata.get("reasons"), list) and bool(metadata["reasons"])
    if details.status not in {400, 403, None}:
        return False
    return details.is_one_of(codes.MODERATION) or has_reasons or is_safety_text(details.message)


def _is_of_upstream(details: ErrorDetails) -> bool:
    """Return whether a reseller's error was sent by the provider behind it."""
    metadata = details.body.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("provider_name"))


def _is_model_gone(details: ErrorDetails) -> bool:
    """Return whether this account has no such model, or may not stream it: every answer is asked for as a stream."""
    if details.status == 410:
        return True
    if details.status == 400 and details.field == "stream":
        return details.is_one_of(codes.UNABLE)
    return details.status in {400, 401, 403} and details.is_one_of(codes.NO_MODEL)


def _is_page(details: ErrorDetails) -> bool:
    """Return whether the error is a page: a firewall or a proxy before the API has refused the request."""
    return not details.body and details.message.lstrip().startswith("<")


def _is_unable(details: ErrorDetails) -> bool:
    if is_ability_text(details.message) or refused_turns(details.message) or refused_form(details.message):
        return details.status in {400, 422, 500}
    return details.status in {400, 422} and (
        details.is_one_of(codes.UNABLE) or is_thinking_text(details.message) or bool(refused_field_of(details.message))
    )


def _is_too_big(details: ErrorDetails) -> bool:
    if details.status == 413:
        is_bare = not details.body and not details.message.strip()  # a proxy's own limit
        return details.is_one_of(codes.TOO_BIG) or is_bare or _is_page(details)
    return details.status == 429 and is_too_large_text(details.message)


def _is_too_long(details: ErrorDetails) -> bool:
    if details.status not in {400, 413, 422, 500, None}:
        return False
    return details.is_one_of(codes.CONTEXT) or context_text(details.message) is not None


_CLASSES: tuple[tuple[Callable[[ErrorDetails], bool], Callable[[ErrorDetails], ProviderError]], ...] = (
    (lambda s: s.status == 402 and "in_flight_budget_exhausted" in s.words, _rate_limited),
    (_is_over_budget, _plain(errors.TooBigForNow)),
    (lambda s: s.status in {401, 402} and _is_of_upstream(s), _plain(errors.Overloaded)),  # not for our account
    (_has_no_balance, _plain(errors.BalanceGone)),
    (_is_moderation, _moderated),
    (_is_model_gone, _plain(errors.NoSuchModel)),
    (lambda s: s.status == 403 and _is_of_upstream(s), _plain(errors.RequestFault)),
    (lambda s: s.status == 403 and _is_page(s), _plain(errors.Overloaded)),
    (_is(401, 403), _plain(errors.KeyRefused)),
    (lambda s: s.status == 400 and s.is_one_of(codes.BAD_KEY), _plain(errors.KeyRefused)),
    (lambda s: s.status == 400 and is_location_text(s.message), _plain(errors.KeyRefused)),
    (_is_too_long, _too_long),
    (_is_too_big, _plain(errors.TooBigForNow)),
    (_is(429, 498), _rate_limited),
    (lambda s: s.status == 400 and s.is_one_of(codes.THROTTLED), _rate_limited),
    (lambda s: s.status == 404 and is_no_endpoints_text(s.message), _plain(errors.CapabilityMissing)),
    (_is(404), _plain(errors.NoSuchModel)),
    (lambda s: s.status == 400 and is_balance_text(s.message), _rate_limited),
    (lambda s: s.status in {400, 422} and model_limit(s.message) > 0, _over_output_limit),
    (_is_unable, _plain(errors.CapabilityMissing)),
    (lambda s: s.status == 400 and is_output_limit_text(s.message), _at_output_limit),
    (_is(400, 413, 414, 415, 422, 431, 451), _plain(errors.RequestFault)),
    (lambda s: s.status is not None and s.status < 400, _plain(errors.Garbled)),
)
