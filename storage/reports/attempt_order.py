"""The attempts of a provider in the order in which they were journaled, with times that don't go back.

After the clock was set back, earlier attempts bear later times; by these, an outage would follow its own end. Once
the clock is set right again, the attempts in between bear times before those of earlier ones.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from storage.database.connection import Connection
from storage.reports import journal
from storage.reports.journal import JournaledAttempt

MOST_SKEW = timedelta(minutes=1)
"""A difference by which the clocks of replicas may differ, or an attempt be journaled late."""


def attempts_of(
    conn: Connection, provider: str, models: Sequence[str], since: datetime, now: datetime
) -> list[JournaledAttempt]:
    """Return the provider's newest attempts after `since`; those with times in the future end before `now`."""
    edge = now + MOST_SKEW
    known = journal.attempts_of(conn, provider, models, since, until=edge)
    ahead = journal.attempts_of(conn, provider, models, edge)
    return in_order([*known, *ahead], now)


def in_order(attempts: Iterable[JournaledAttempt], now: datetime) -> list[JournaledAttempt]:
    """Shift the attempts before each step of the clock, so that they end before those journaled later begin."""
    found: list[JournaledAttempt] = []
    ended = began = now
    shift = timedelta(0)
    for each in sorted(attempts, key=lambda each: each.number, reverse=True):
        if each.ended_at - shift > ended + MOST_SKEW:
            shift = each.ended_at - began
        found.append(_shifted(each, shift))
        ended, began = min(ended, found[-1].ended_at), found[-1].began_at
    return found[::-1]


def _shifted(attempt: JournaledAttempt, shift: timedelta) -> JournaledAttempt:
    first = attempt.first_token_at
    return replace(
        attempt,
        began_at=attempt.began_at - shift,
        first_token_at=None if first is None else first - shift,
        ended_at=attempt.ended_at - shift,
    )
