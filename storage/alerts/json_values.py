"""Values of stored messages as JSON: numbers, texts, lists, nested texts, amounts, decimals and dates."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.money import Money

_TAG = "$"


def to_json(values: Mapping[str, object]) -> str:
    """Return the values as JSON, the same text for equal values. Raises TypeError for other types."""
    return json.dumps(values, default=_encode, sort_keys=True, ensure_ascii=False)


def from_json(text: str) -> dict[str, Any]:
    """Return the values that `to_json` stored."""
    found: dict[str, Any] = json.loads(text, object_hook=_decode)
    return found


def _encode(value: object) -> dict[str, str]:
    if isinstance(value, Money):
        return {_TAG: "money", "value": str(value.nanousd)}
    if isinstance(value, Decimal):
        return {_TAG: "decimal", "value": str(value)}
    if isinstance(value, datetime):
        return {_TAG: "datetime", "value": value.isoformat()}
    if isinstance(value, date):
        return {_TAG: "date", "value": value.isoformat()}
    raise TypeError(f"a {type(value).__name__} can't be stored with a message")


_DECODERS: Mapping[str, Callable[[str], Any]] = {
    "money": lambda text: Money(int(text)),
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def _decode(value: dict[str, Any]) -> Any:
    return _DECODERS[value[_TAG]](value["value"]) if _TAG in value else value
