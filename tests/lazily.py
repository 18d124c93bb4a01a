"""A module that is imported at its first use, so that collecting the tests in each worker does not wait for it."""

import importlib
from typing import Any


class Lazily:
    """A stand-in for a module, by its name. Reading an attribute imports the module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)
