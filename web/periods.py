"""Periods of reports: `from` and `to` of a query, both included, as UTC dates."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator

from web.errors import bad_request


def _iso(value: object) -> object:
    """Accept only a date: pydantic would read a bare number as seconds since 1970."""
    if isinstance(value, str) and not _ISO.fullmatch(value):
        raise ValueError("must be a UTC date such as 2026-11-24")
    return value


_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FROM = Query(alias="from", description="First UTC date, included; default: the first of this month")
_TO = Query(description="Last UTC date, included; default: today")
_RECORDS_BEGIN, _RECORDS_END = date(2001, 1, 1), date(2099, 12, 31)
_LAST_DAY = date.max - timedelta(days=1)
"""The last date that has a next day in Python."""
From = Annotated[date | None, BeforeValidator(_iso), _FROM]
To = Annotated[date | None, BeforeValidator(_iso), _TO]


def period(first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """Return first and last date, both included; by default this month so far.

    Raises HttpProblem 400 if the first is after the last. Years that can't have records are allowed: the report is
    empty.
    """
    today = now.astimezone(UTC).date()
    start = first or (last or today).replace(day=1)
    end = min(last or max(today, start), _LAST_DAY)
    if start > end and start <= _RECORDS_END and end >= _RECORDS_BEGIN:
        raise bad_request("from", f"from: {start} is after to: {end}.")
    return start, end
