"""Values of stored messages, which keep their types."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.money import Money
from storage.alerts.json_values import from_json, to_json


def test_values_keep_their_types() -> None:
    values = {
        "usd": Money(-7),
        "percent": Decimal("12.50"),
        "until": datetime(2026, 11, 30, 5, tzinfo=UTC),
        "day": date(2026, 11, 30),
        "name": "Việt ⭐",
        "count": 3,
        "none": None,
        "lines": [{"key": "digest.tenant", "values": {"usd": Money(5)}}, ""],
    }
    assert from_json(to_json(values)) == values


def test_equal_values_are_equal_text() -> None:
    assert to_json({"a": 1, "b": 2}) == to_json({"b": 2, "a": 1})


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        to_json({"names": {1}})
