"""Refusals of a request in a sentence of our own: a provider's text is never shown to a tenant."""

from engine.errors import (
    CapabilityMissing,
    ContextTooLong,
    ProviderError,
    RequestFault,
    RequestRejected,
    TooBigForNow,
)

_SENTENCES: tuple[tuple[type[ProviderError], str], ...] = (
    (ContextTooLong, "it is longer than the context of every model that could answer"),
    (CapabilityMissing, "no model here can do everything that it asks for"),
    (TooBigForNow, "it is larger than a provider takes at once; a shorter one, or less output, may pass"),
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
