"""Discovery of dialects and addresses, and construction of adapters.

A module in `dialects/` with a DIALECT is a dialect, named after its file. A module in `addresses/` with a SPEC is a
provider. No list has to be edited.
"""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType

from engine.ports import Provider
from engine.providers import addresses, dialects
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.spec import Spec

__all__ = ["Spec", "brand", "build", "dialect_classes", "specs"]


@cache
def specs() -> dict[str, Spec]:
    """Return the SPEC of every module in `addresses/`, by provider name."""
    found = [module.SPEC for module in _modules(addresses) if hasattr(module, "SPEC")]
    return {spec.name: spec for spec in found}


@cache
def brand(provider: str) -> str:
    """Return the name of a provider as people know it; its own name if the operator added it."""
    spec = specs().get(provider)
    return spec.brand if spec is not None and spec.brand else provider


@cache
def dialect_classes() -> dict[str, type[ProviderAdapter]]:
    """Return the DIALECT of every module in `dialects/`, by file name."""
    return {
        module.__name__.rpartition(".")[2]: module.DIALECT
        for module in _modules(dialects)
        if hasattr(module, "DIALECT")
    }


def build(spec: Spec, *, keys: tuple[str, ...] = (), base_url: str | None = None, proxy: str | None = None) -> Provider:
    """Return the adapter of a provider. If it needs an API key and has none, its `keys` is 0: not configured."""
    return dialect_classes()[spec.dialect](spec, keys, base_url or spec.base_url, proxy)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    return (import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__))
