"""A module that is imported when it is first used: collecting the tests in each worker does not wait for it."""

import importlib
from typing import Any


class Lazily:
    """A module by its name. Its attributes import it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)
