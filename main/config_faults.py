"""Faults in farthing.toml and the environment, described by file, key and expected value."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError


class ConfigError(Exception):
    """A wrong setting: file, key and expected value, one line for each fault."""


def explain(source: str, error: ValidationError, spell: Callable[[str], str] = str) -> str:
    """Return a line for each fault: source, key as `spell` writes it, expected value.

    Given values are not shown, because they may be secrets.
    """
    return "\n".join(f"{source}: {spell(_key(fault['loc']))}: {_expected(fault)}" for fault in error.errors())


def _key(location: tuple[int | str, ...]) -> str:
    return ".".join(f'"{part}"' if "/" in str(part) else str(part) for part in location) or "(whole file)"


def _expected(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "no such key; docs/configuration.md lists the existing keys"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"expected {message}" if message.startswith(("a", "e")) else message[:1].lower() + message[1:]
