"""Months of invoices. Each is the first day of the month."""

from datetime import UTC, date, datetime, timedelta

from storage.database.connection import ms


def month_from(number: int) -> date:
    return date(number // 100, number % 100, 1)


def month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def month_begins(month: date) -> int:
    """Return the begin of a month in milliseconds since 1970."""
    return ms(datetime(month.year, month.month, 1, tzinfo=UTC))
