"""Sellers of answers: one address a file (a SPEC), one dialect a room in engine/dialects."""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module

from engine.ports import Provider
from engine.providers import addresses
from engine.providers.dialects import anthropic, gemini, openai
from engine.providers.spec import Spec

_DIALECTS: dict[str, Callable[..., Provider]] = {
    "openai": openai.OpenAIDialect,
    "gemini": gemini.GeminiDialect,
    "anthropic": anthropic.AnthropicDialect,
}


@cache
def specs() -> dict[str, Spec]:
    """Every address in this folder, by name."""
    modules = (
        import_module(f"{addresses.__name__}.{found.name}") for found in pkgutil.iter_modules(addresses.__path__)
    )
    found = [module.SPEC for module in modules if hasattr(module, "SPEC")]
    return {spec.name: spec for spec in found}


def build(spec: Spec, *, keys: tuple[str, ...] = (), base_url: str | None = None, proxy: str | None = None) -> Provider:
    """The adapter for an address. Without a key where one is needed it is not configured: `keys` 0."""
    return _DIALECTS[spec.dialect](spec, keys, base_url or spec.base_url, proxy)


__all__ = ["Spec", "build", "specs"]
