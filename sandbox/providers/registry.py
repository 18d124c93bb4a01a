"""Discovery of stand-ins: the modules in `sandbox/providers/addresses`, and a plain one for any other provider."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from sandbox.providers import addresses, dialects
from sandbox.providers.dialects.base import StandInDialect


def found_stand_ins() -> dict[str, StandInDialect]:
    """Return the STAND_IN of each module in the folder `addresses`, by the module's name."""
    return {name: module.STAND_IN for name, module in _modules(addresses) if hasattr(module, "STAND_IN")}


def plain_stand_ins() -> dict[str, type[StandInDialect]]:
    """Return the class that each module in the folder `dialects` names as PLAIN, by its dialect."""
    return {module.PLAIN.dialect: module.PLAIN for _, module in _modules(dialects) if hasattr(module, "PLAIN")}


def stand_ins_of(providers: Mapping[str, str] | None = None) -> dict[str, StandInDialect]:
    """Return the stand-in of each provider. `providers`: each one's dialect by its name, None for all with a module.

    Raises LookupError for a provider without a module whose dialect has no stand-in.
    """
    found = found_stand_ins()
    if providers is None:
        return found
    plain = plain_stand_ins()
    if missing := sorted({dialect for name, dialect in providers.items() if name not in found} - plain.keys()):
        files = ", ".join(f"sandbox/providers/dialects/{dialect}.py" for dialect in missing)
        raise LookupError(f"a dialect has no stand-in: add {files} with a PLAIN")
    return {name: found[name] if name in found else plain[dialect](name) for name, dialect in providers.items()}


def _modules(folder: ModuleType) -> list[tuple[str, ModuleType]]:
    names = [found.name for found in pkgutil.iter_modules(folder.__path__)]
    return [(name, import_module(f"{folder.__name__}.{name}")) for name in names]
