"""Fields of a request that no provider gets, and their names for `ignored`."""

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

Unserved: TypeAlias = Mapping[str, Collection[Any]]
"""The names of fields, each with the values that change nothing; null never does."""


def unserved_fields(body: Mapping[str, Any], unserved: Unserved) -> tuple[str, ...]:
    """Return the names of the `unserved` fields whose value would change the answer."""
    if unserved.keys().isdisjoint(body):
        return ()
    return tuple(
        name
        for name, without_effect in unserved.items()
        if body.get(name) is not None and body[name] not in without_effect
    )
