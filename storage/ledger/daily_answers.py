"""The answers of a tenant on the present UTC day, for plans with `answers_per_day`."""

from datetime import datetime

from engine.errors import DailyAnswersUsed
from engine.tenancy import seconds_left_today
from storage.database.connection import Connection, day_of, scalar

# A kept attempt without input tokens is the transcript of a recording. Its question is counted as an answer.
_COUNT = """
SELECT (SELECT count(*) FROM attempts WHERE tenant_id = :tenant AND day = :day AND kept AND input_tokens > 0)
     - (SELECT count(*) FROM attempts WHERE tenant_id = :tenant AND day = :day AND outcome = 'undelivered')
     + (SELECT count(*) FROM holds WHERE state = 'open' AND tenant_id = :tenant) AS n
"""


def count(conn: Connection, tenant_id: int, now: datetime) -> int:
    """Return the number of answers that were begun today and are kept or still running."""
    return int(scalar(conn, _COUNT, tenant=tenant_id, day=day_of(now)))


def check(conn: Connection, tenant_id: int, answers_per_day: int, now: datetime) -> None:
    """Raise DailyAnswersUsed if the tenant has had `answers_per_day` answers today; 0 means no limit."""
    if answers_per_day and count(conn, tenant_id, now) >= answers_per_day:
        raise DailyAnswersUsed(answers_per_day, seconds_left_today(now))
