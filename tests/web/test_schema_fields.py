"""Types of the fields in request bodies."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from web.key_schemas import KeyIn
from web.schema_fields import utc_text
from web.schemas import CreditIn


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+10:00", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:00:00-10:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_expiry_is_stored_in_utc(given: str, stored: datetime) -> None:
    assert KeyIn.model_validate({"expires_at": given}).settings().expires_at == stored


@pytest.mark.parametrize("given", ["2027-01-31", "2027-01-31T12:00:00", 1_800_000_000, "soon", "", True])
def test_expiry_needs_a_time_with_its_offset(given: Any) -> None:
    with pytest.raises(ValidationError):
        KeyIn.model_validate({"expires_at": given})


@pytest.mark.parametrize("usd", ["5", "-5.00", "0.000000001", "1000000", "-1000000.000000000", "007"])
def test_credit_takes_an_exact_amount_of_either_sign(usd: str) -> None:
    assert CreditIn(usd=usd, reason="x").usd == usd


@pytest.mark.parametrize(
    "usd",
    ["0", "-0.00", "1000000.000000001", "1000001", "1.0000000001", "1e2", "+5", ".5", "5.", "1_0", " 5", "5\n", ""],
)
def test_credit_takes_no_other_text(usd: str) -> None:
    with pytest.raises(ValidationError):
        CreditIn(usd=usd, reason="x")


def test_times_are_sent_in_utc() -> None:
    assert utc_text(datetime(2026, 11, 30, 1, 2, 3, tzinfo=UTC)) == "2026-11-30T01:02:03Z"
