"""Failures put down to the request: what they say of an offer, and refusals in a sentence of our own.

A provider's text is never shown to a tenant.
"""

from collections.abc import Sequence

from engine.chat import ChatRequest, Image
from engine.errors import (
    CapabilityMissing,
    ContextTooLong,
    FirstTokenLate,
    KeyRefused,
    NoSuchModel,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
    TooBigForNow,
)
from engine.routing.health import Health
from engine.routing.permits import Permit

_OF_A_FETCH = (FirstTokenLate, KeyRefused, NoSuchModel, Overloaded, RateLimited)
_FORBIDDEN = 403
_UNREAD = "no provider could answer with the picture at its address: send it as base64, or ask again"
_LEAST_PROVIDERS = 2  # as many must have failed before a picture is blamed
_SENTENCES: tuple[tuple[type[ProviderError] | tuple[type[ProviderError], ...], str], ...] = (
    (ContextTooLong, "it is longer than the context of every model that could answer"),
    (CapabilityMissing, "no model here can do everything that it asks for"),
    (TooBigForNow, "it is larger than a provider takes at once; a shorter one, or less output, may pass"),
    (_OF_A_FETCH, _UNREAD),
    (ProviderError, "the provider refuses it as invalid"),
)
_OF_THE_REQUEST = (ContextTooLong, CapabilityMissing, TooBigForNow, RequestFault)
_OF_THE_MODEL = frozenset({"tool_use_failed", "json_validate_failed"})  # Groq's codes
_MODERATION = "the provider refuses its content"


def is_of_request(error: ProviderError) -> bool:
    """Return whether the request itself is at fault, rather than a model that wrote an invalid call or no JSON."""
    return isinstance(error, _OF_THE_REQUEST) and error.code not in _OF_THE_MODEL


def rejected(provider: str, error: ProviderError) -> RequestRejected:
    """Return our refusal for `error` of `provider`, with the provider's code."""
    moderation = isinstance(error, RequestFault) and error.moderation
    sentence = _MODERATION if moderation else next(text for kind, text in _SENTENCES if isinstance(error, kind))
    if isinstance(error, CapabilityMissing) and error.status is None and error.detail:
        sentence = f"no model here can take it: {error.detail}"  # our own dialect refused the request: nothing was sent
    code = f" ({error.code})" if error.code else ""
    return RequestRejected(provider, sentence + code, moderation=moderation, code=error.code)


def fetches_pictures(request: ChatRequest) -> bool:
    """Return whether a provider must fetch a picture from an address to answer."""
    parts = (part for message in request.messages for part in message.parts if type(part) is Image)
    return any(part.url[:5].lower() != "data:" for part in parts)


def report_failure(health: Health, permit: Permit, request: ChatRequest, error: ProviderError) -> str:
    """Report a failed attempt to health; return the outcome to journal. A failure of the request alone is not counted.

    Providers pass on the status with which a tenant's address of a picture answered them, and wait as long as it does.
    A page of status 403 comes from a firewall: if others are answered meanwhile, it dislikes the words of this prompt.
    """
    is_of_fetch = isinstance(error, _OF_A_FETCH) and not health.is_alive(permit) and fetches_pictures(request)
    is_of_words = isinstance(error, Overloaded) and error.status == _FORBIDDEN and health.answers(permit.offer)
    if is_of_fetch or is_of_words:
        health.abandoned(permit)
        return RequestFault.outcome
    health.failed(permit, error)
    return error.outcome


def is_refused(request: ChatRequest, providers: Sequence[str], errors: Sequence[ProviderError]) -> bool:
    """Return whether the request is at fault after all its attempts have failed with `errors`."""
    if not errors:
        return False
    of_fetch = len(set(providers)) >= _LEAST_PROVIDERS and fetches_pictures(request)
    return all(is_of_request(error) or (of_fetch and isinstance(error, _OF_A_FETCH)) for error in errors)
