"""The names of providers as people know them."""

from engine.providers.registry import specs


def brand(provider: str) -> str:
    """Return the brand of a provider; its own name where the operator added it."""
    spec = specs().get(provider)
    return spec.brand if spec is not None and spec.brand else provider
