"""Moments, days and months as the database stores them: whole numbers in UTC."""

from datetime import UTC, date, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC, rounded down."""
    delta = moment - _EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def moment(stored_ms: int) -> datetime:
    """The UTC time of stored milliseconds."""
    return datetime.fromtimestamp(stored_ms / 1000, UTC)


def moment_or_none(stored_ms: int | None) -> datetime | None:
    """The UTC time of stored milliseconds; None for NULL."""
    return None if stored_ms is None else moment(stored_ms)


def month_of(moment: date) -> int:
    """A month as a number, 202611 for November 2026. API key limits and invoices are counted by month."""
    return moment.year * 100 + moment.month


def day_of(moment: date) -> int:
    """A UTC day as a number, 20261124 for 24 November 2026; days sort and compare as numbers."""
    return moment.year * 10_000 + moment.month * 100 + moment.day
