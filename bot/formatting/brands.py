"""Brand names of providers."""

from engine.providers.registry import specs


def brand(provider: str) -> str:
    """Return the brand of a provider, or its name if the operator added it."""
    spec = specs().get(provider)
    return spec.brand if spec is not None and spec.brand else provider
