"""Refusals for a tenant: our own sentence and the provider's code, never the provider's text."""

import pytest

from engine.errors import CapabilityMissing, ContextTooLong, Overloaded, ProviderError, RequestFault, TooBigForNow
from engine.gateway.rejections import is_of_request, rejected


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RequestFault("their words"), "the provider refuses it as invalid"),
        (RequestFault("their words", moderation=True), "the provider refuses its content"),
        (ContextTooLong("their words"), "it is longer than the context of every model that could answer"),
        (
            TooBigForNow("their words"),
            "it is larger than a provider takes at once; a shorter one, or less output, may pass",
        ),
        (CapabilityMissing("their words", status=400), "no model here can do everything that it asks for"),
        (CapabilityMissing(""), "no model here can do everything that it asks for"),
        (CapabilityMissing("takes pictures as data only"), "no model here can take it: takes pictures as data only"),
    ],
)
def test_refusal_has_a_sentence_of_ours(error: ProviderError, reason: str) -> None:
    assert rejected("a", error).reason == reason
    error.code = "invalid_value"
    found = rejected("a", error)
    assert (found.provider, found.reason, found.code) == ("a", f"{reason} (invalid_value)", "invalid_value")


def test_only_moderation_is_moderation() -> None:
    assert rejected("a", RequestFault("x", moderation=True)).moderation
    assert not rejected("a", RequestFault("x")).moderation


@pytest.mark.parametrize(
    ("error", "code", "expected"),
    [
        (RequestFault("x"), "", True),
        (CapabilityMissing("x", status=400), "unsupported_value", True),
        (CapabilityMissing("x", status=400), "tool_use_failed", False),
        (CapabilityMissing("x", status=400), "json_validate_failed", False),
        (Overloaded("x"), "", False),
    ],
)
def test_failure_of_the_model_is_not_the_tenants_fault(error: ProviderError, code: str, expected: bool) -> None:
    error.code = code
    assert is_of_request(error) is expected
