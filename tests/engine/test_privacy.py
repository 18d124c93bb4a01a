"""The rule that excludes providers, as a table; and the stored form of exclusions."""

import pytest

from engine.privacy import (
    LEFT_OUT,
    NONE,
    UNKNOWN,
    DataPolicies,
    DataPolicy,
    Exclusions,
    exclusions_from,
    refused_upstreams,
    stored_exclusions,
)

TRAINS = DataPolicy("CN", trains=True, free_tier_trains=True)
FREE_TIER_TRAINS = DataPolicy("US", trains=False, free_tier_trains=True)
NEVER_TRAINS = DataPolicy("FR", trains=False, free_tier_trains=False)
RESELLER = DataPolicy("US", trains=True, free_tier_trains=True, passes_on=True, can_refuse=True)
OWN = DataPolicy(trains=False, is_own=True)
POLICIES = {
    "cn": TRAINS,
    "us": FREE_TIER_TRAINS,
    "fr": NEVER_TRAINS,
    "resold": RESELLER,
    "own": OWN,
    "unknown": UNKNOWN,
}


@pytest.mark.parametrize(
    ("exclusions", "covered"),
    [
        (NONE, set()),
        (Exclusions(providers=frozenset({"us"})), {"us"}),
        (Exclusions(providers=frozenset({"own"})), {"own"}),
        (Exclusions(countries=frozenset({"CN"})), {"cn", "resold", "unknown"}),
        (Exclusions(countries=frozenset({"US"})), {"us", "resold", "unknown"}),
        (Exclusions(training=True), {"cn", "unknown"}),
        (Exclusions(frozenset({"fr"}), frozenset({"CN"}), training=True), {"fr", "cn", "resold", "unknown"}),
    ],
)
def test_providers_are_left_out_by_name_by_country_and_by_training(exclusions: Exclusions, covered: set[str]) -> None:
    assert {name for name, policy in POLICIES.items() if exclusions.cover(name, policy)} == covered
    policies = DataPolicies(POLICIES)
    assert {name for name in POLICIES if policies.reason(exclusions, name) == LEFT_OUT} == covered
    assert bool(exclusions) == (exclusions != NONE)


def test_free_tiers_that_may_train_are_left_out_and_others_are_not() -> None:
    policies, choice = DataPolicies(POLICIES), Exclusions(training=True)
    assert {name for name in POLICIES if not policies.allow_free_tier(choice, name)} == set(POLICIES) - {"fr"}
    assert all(policies.allow_free_tier(NONE, name) for name in POLICIES)
    assert all(policies.allow_free_tier(Exclusions(frozenset({"us"})), name) for name in POLICIES)


def test_recording_does_not_go_to_a_reseller_that_passes_it_on() -> None:
    choice = Exclusions(training=True)
    assert {name for name, each in POLICIES.items() if choice.cover_recordings(name, each)} == {
        "cn",
        "unknown",
        "resold",
    }
    assert not any(NONE.cover_recordings(name, each) for name, each in POLICIES.items())


@pytest.mark.parametrize(
    "exclusions", [NONE, Exclusions(frozenset({"a", "b"}), frozenset({"CN"}), training=True), Exclusions(training=True)]
)
def test_exclusions_are_stored_and_read(exclusions: Exclusions) -> None:
    assert exclusions_from(stored_exclusions(exclusions)) == exclusions


@pytest.mark.parametrize("stored", [None, "x", [], {}, {"providers": None}])
def test_anything_else_excludes_nobody(stored: object) -> None:
    assert exclusions_from(stored) == NONE


def test_resellers_own_names_of_excluded_companies() -> None:
    names = {"gemini": ("vertex", "studio"), "openai": ("openai",)}
    assert refused_upstreams(Exclusions(frozenset({"gemini", "groq"})), names) == ["studio", "vertex"]
