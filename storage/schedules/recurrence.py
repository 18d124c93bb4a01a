"""The times of a repeated event: a rule, and its next moment in a time zone. `now` is passed in."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WEEKDAYS, WEEKEND = EVERY_DAY[:5], EVERY_DAY[5:]
MINUTES_PER_HOUR = 60
LAST_OF_MONTH = 31


class Unit(StrEnum):
    """The kinds of rules.

    `week`: on days of the week; `month`: on a day of the month; `days`, `hours`: every N of them.
    """

    WEEK = "week"
    MONTH = "month"
    DAYS = "days"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule. `numbers`: the days of the week (1 is Monday), the day of the month, or the number of days or hours.

    `minute`: the minute of the local day; 0 if the unit is hours. In a month without that day, the last day is used.
    """

    unit: Unit
    numbers: tuple[int, ...]
    minute: int = 0

    @property
    def clock(self) -> str:
        """The time of day, such as 08:00."""
        return f"{self.minute // MINUTES_PER_HOUR:02}:{self.minute % MINUTES_PER_HOUR:02}"

    @property
    def least_hours(self) -> float:
        """Return the shortest time between two runs, except for clock changes."""
        if self.unit is Unit.HOURS:
            return self.numbers[0]
        return 24.0

    def to_text(self) -> str:
        return f"{self.unit}:{','.join(map(str, self.numbers))}@{self.minute}"

    @classmethod
    def from_text(cls, text: str) -> "Recurrence":
        """Read the text that `to_text` wrote."""
        unit, _, rest = text.partition(":")
        numbers, _, minute = rest.partition("@")
        return cls(Unit(unit), tuple(map(int, numbers.split(","))), int(minute))

    def first(self, zone: ZoneInfo, now: datetime) -> datetime:
        """Return the first moment, in UTC, of a rule that begins now."""
        if self.unit is Unit.HOURS:
            return now + timedelta(hours=self.numbers[0])
        return next(moment for moment in self._moments(now.astimezone(zone).date(), zone) if moment > now)

    def after(self, due: datetime, zone: ZoneInfo, now: datetime) -> datetime:
        """Return the first moment after `now`, for a rule whose latest moment was `due`. Missed moments are skipped."""
        if self.unit is Unit.HOURS:
            step = timedelta(hours=self.numbers[0])
            return due + step * max(1, (now - due) // step + 1)
        latest = max(due, now)
        if self.unit is Unit.DAYS:
            return next(moment for moment in self._moments(due.astimezone(zone).date(), zone) if moment > latest)
        return self.first(zone, latest)

    def moved(self, due: datetime, old: ZoneInfo, new: ZoneInfo, now: datetime) -> datetime:
        """Return the next moment after a change of the zone: at the same time of day in the new zone."""
        if self.unit is Unit.HOURS:
            return due
        if self.unit is Unit.DAYS:
            return next(moment for moment in self._moments(due.astimezone(old).date(), new) if moment > now)
        return self.first(new, now)

    def _moments(self, start: date, zone: ZoneInfo) -> Iterator[datetime]:
        """Yield the moments from the local day `start` on."""
        for day in self._days(start):
            yield moment_of(day, self.minute, zone)

    def _days(self, start: date) -> Iterator[date]:
        if self.unit is Unit.MONTH:
            first = start.replace(day=1)
            while True:
                days = monthrange(first.year, first.month)[1]
                if (day := first.replace(day=min(self.numbers[0], days))) >= start:
                    yield day
                first += timedelta(days=days)
        step = self.numbers[0] if self.unit is Unit.DAYS else 1
        while True:
            if self.unit is Unit.DAYS or start.isoweekday() in self.numbers:
                yield start
            start += timedelta(days=step)


def moment_of(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, when a local day reaches a minute: the first of two if the clocks go back.

    If the clocks skip that minute, it is the first moment after the gap.
    """
    local = datetime(day.year, day.month, day.day, minute // MINUTES_PER_HOUR, minute % MINUTES_PER_HOUR, tzinfo=zone)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    # Within a gap, fold 0 and 1 use the offsets before and after it, so that the end of the gap lies between them.
    return _end_of_gap(local.replace(fold=1).astimezone(UTC), found, zone)


def _end_of_gap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment in (low, high] whose offset differs from that at `low`, to the minute."""
    offset = low.astimezone(zone).utcoffset()
    moment = low
    while moment.astimezone(zone).utcoffset() == offset and moment < high:
        moment += timedelta(minutes=1)
    return moment
