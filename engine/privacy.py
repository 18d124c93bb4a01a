"""Privacy: how each provider handles prompts, and the providers that a tenant excludes for that reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

LEFT_OUT: Final = "left out by your settings"
"""The reason why an offer is not asked: the tenant does not want its prompts to go there."""


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """A provider's handling of prompts, according to its terms.

    `country`: the provider's seat, as an ISO 3166 code; empty: unknown. `is_own`: a server of the operator.
    `trains`, `free_tier_trains`: it may train on prompts, or on those sent through its free tier; None: unknown.
    `passes_on`: it passes prompts on to other companies, in any country. `can_refuse`: a request can ask it not to
    train, and can name companies that it must not use.
    """

    country: str = ""
    trains: bool | None = None
    free_tier_trains: bool | None = None
    passes_on: bool = False
    can_refuse: bool = False
    is_own: bool = False


UNKNOWN = DataPolicy()


@dataclass(frozen=True, slots=True)
class Exclusions:
    """A tenant's choice of providers that may not see its prompts: by name, by country, or all that train on them."""

    providers: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    training: bool = False

    def __bool__(self) -> bool:
        return self.training or bool(self.providers) or bool(self.countries)

    def cover(self, provider: str, policy: DataPolicy) -> bool:
        """Return True if no prompt may go to this provider. An unknown fact counts as the worse case."""
        if provider in self.providers:
            return True
        if policy.is_own:
            return False
        if self.countries and (policy.passes_on or not policy.country or policy.country in self.countries):
            return True
        return self.training and policy.trains is not False and not policy.can_refuse

    def cover_recordings(self, provider: str, policy: DataPolicy) -> bool:
        """Return True if no recording may go to this provider. A reseller can't exclude companies for a recording."""
        return bool(self) and (self.cover(provider, policy) or (policy.passes_on and not policy.is_own))

    def cover_free_tier(self, policy: DataPolicy) -> bool:
        """Return True if no prompt may go through the free tier of a provider that is not excluded itself."""
        return self.training and policy.free_tier_trains is not False


NONE = Exclusions()


@dataclass(frozen=True, slots=True)
class DataPolicies:
    """The policies of all providers, by name."""

    by_provider: Mapping[str, DataPolicy] = field(default_factory=dict)

    def of(self, provider: str) -> DataPolicy:
        return self.by_provider.get(provider, UNKNOWN)

    def reason(self, exclusions: Exclusions, provider: str) -> str:
        """Return the reason why a provider is excluded; empty if it is not."""
        return LEFT_OUT if exclusions and exclusions.cover(provider, self.of(provider)) else ""

    def allow_free_tier(self, exclusions: Exclusions, provider: str) -> bool:
        return not (exclusions and exclusions.cover_free_tier(self.of(provider)))


def exclusions_from(stored: object) -> Exclusions:
    """Return the exclusions in a tenant's stored settings; none if nothing is stored."""
    if not isinstance(stored, Mapping):
        return NONE
    names = {key: frozenset(map(str, stored.get(key) or ())) for key in ("providers", "countries")}
    return Exclusions(names["providers"], names["countries"], bool(stored.get("training")))


def stored_exclusions(exclusions: Exclusions) -> dict[str, Any]:
    """Return exclusions as JSON values."""
    return {
        "providers": sorted(exclusions.providers),
        "countries": sorted(exclusions.countries),
        "training": exclusions.training,
    }


def refused_upstreams(exclusions: Exclusions, upstreams: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a reseller's names for the companies that a tenant excludes. `upstreams`: those names by ours."""
    return sorted(name for provider in exclusions.providers for name in upstreams.get(provider, ()))
