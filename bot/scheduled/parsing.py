"""The words after /every: times and a prompt.

All languages are accepted; the preview shows how they were understood.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from locales import schedule_words as words
from storage.schedules.recurrence import EVERY_DAY, LAST_OF_MONTH, MINUTES_PER_HOUR, WEEKDAYS, WEEKEND, Recurrence, Unit

_MOST = {Unit.HOURS: 24 * 31, Unit.DAYS: 366}
_NOON_HOUR, _HOURS, _EARLY = 12, 24, 5
_SPACE = re.compile(r"\s*")
_SEPARATOR = re.compile(r"[ \t]*[,;:\N{EN DASH}\N{EM DASH}-]?\s*")
_END = r"(?=$|[\s,;:\N{EN DASH}\N{EM DASH}-])"
_WEEKDAY = "|".join(words.WEEKDAYS)


class ScheduleFlaw(StrEnum):
    """The part that is missing or can't be read."""

    WHEN = "when"
    TIME = "time"
    NO_SUCH_TIME = "no_such_time"
    PROMPT = "prompt"
    TOO_OFTEN = "too_often"


class NotUnderstood(Exception):
    """The words describe no schedule; `flaw` is the reason."""

    def __init__(self, flaw: ScheduleFlaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class ParsedSchedule:
    """A rule and its prompt."""

    rule: Recurrence
    prompt: str


def parsed(text: str) -> ParsedSchedule:
    """Read `day 8:00 what's new in …`. Raises NotUnderstood."""
    reader = _Reader(text.strip())
    rule = _rule(reader)
    prompt = reader.rest
    if not prompt:
        raise NotUnderstood(ScheduleFlaw.PROMPT)
    return ParsedSchedule(rule, prompt)


class _Reader:
    """A text that is read from its beginning."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def take(self, *patterns: str) -> re.Match[str] | None:
        """If one of the patterns follows as whole words, read past it and return its match."""
        start = self._space()
        for pattern in patterns:
            found = re.compile(f"(?:{pattern}){_END}", re.IGNORECASE).match(self._text, start)
            if found is not None:
                self._at = found.end()
                return found
        return None

    def look(self, pattern: str) -> bool:
        """Return True if the pattern follows. The position does not change."""
        return re.compile(f"(?:{pattern}){_END}", re.IGNORECASE).match(self._text, self._space()) is not None

    @property
    def rest(self) -> str:
        found = _SEPARATOR.match(self._text, self._at)
        return self._text[found.end() if found else self._at :].strip()

    def mark(self) -> int:
        return self._at

    def back(self, mark: int) -> None:
        """Return to an earlier position."""
        self._at = mark

    def _space(self) -> int:
        found = _SPACE.match(self._text, self._at)
        return found.end() if found else self._at


def _rule(reader: _Reader) -> Recurrence:
    while reader.take(words.EVERY):
        pass
    if (counted := _counted(reader)) is not None:
        return counted
    unit, numbers, is_late = _days(reader)
    if unit is None:
        minute = _time(reader)
        if minute is None:
            raise NotUnderstood(ScheduleFlaw.WHEN)
        unit, numbers = _days_after(reader)
        return Recurrence(unit, numbers, minute)
    minute = _time(reader, is_late=is_late)
    if minute is None:
        raise NotUnderstood(ScheduleFlaw.TIME)
    return Recurrence(unit, numbers, minute)


def _counted(reader: _Reader) -> Recurrence | None:
    """Read an interval: `2 hours`, `3 days 8:00`."""
    mark, day_part = reader.mark(), f"{words.BEFORE_NOON}|{words.AFTER_NOON}|{words.NIGHT}|{words.MIDDAY}"
    found = reader.take(rf"(\d{{1,3}})\s*(?:{words.HOURS})")
    if found is not None and not reader.look(rf"{day_part}|{words.HALF}|\d{{1,2}}"):
        return _within(Unit.HOURS, int(found[1]))
    reader.back(mark)
    if reader.take(words.ONE_HOUR):
        return Recurrence(Unit.HOURS, (1,))
    if reader.take(rf"\d+\s*(?:{words.MINUTES})", words.MINUTES):
        raise NotUnderstood(ScheduleFlaw.TOO_OFTEN)
    for unit, days in ((words.DAYS, 1), (words.WEEKS, 7)):
        found = reader.take(rf"(\d{{1,3}})\s*(?:{unit})")
        if found is not None:
            minute = _time(reader)
            if minute is None:
                raise NotUnderstood(ScheduleFlaw.TIME)
            return _within(Unit.DAYS, int(found[1]) * days, minute)
    return None


def _within(unit: Unit, number: int, minute: int = 0) -> Recurrence:
    """Return the rule of an interval. An interval of one day means every day."""
    if not 1 <= number <= _MOST[unit]:
        raise NotUnderstood(ScheduleFlaw.WHEN)
    if unit is Unit.DAYS and number == 1:
        return Recurrence(Unit.WEEK, EVERY_DAY, minute)
    return Recurrence(unit, (number,), minute)


def _days(reader: _Reader) -> tuple[Unit | None, tuple[int, ...], bool]:
    """Read the days; None if there are none.

    The last value is True if a word such as "evening" puts the time after noon.
    """
    if (month := _month(reader)) is not None:
        return Unit.MONTH, (month,), False
    if named := _week(reader):
        return Unit.WEEK, named, False
    is_day = reader.take(words.DAY) is not None
    part = reader.take(words.PARTS_OF_DAY)
    if part is None and not is_day:
        return None, (), False
    is_late = part is not None and re.fullmatch(words.LATE_PARTS, part[0], re.IGNORECASE) is not None
    return Unit.WEEK, EVERY_DAY, is_late


def _week(reader: _Reader) -> tuple[int, ...]:
    if reader.take(words.WORKDAYS):
        return WEEKDAYS
    return WEEKEND if reader.take(words.WEEKEND) else _named(reader)


def _days_after(reader: _Reader) -> tuple[Unit, tuple[int, ...]]:
    """Read the days after a time, as in `8:00 on Mondays`, if a word announces them; else every day."""
    mark = reader.mark()
    if reader.take(words.EVERY):
        while reader.take(words.EVERY):
            pass
        unit, numbers, _ = _days(reader)
        if unit is not None:
            return unit, numbers
    reader.back(mark)
    return Unit.WEEK, EVERY_DAY


def _month(reader: _Reader) -> int | None:
    """Read a day of the month; LAST_OF_MONTH is its last day, whatever its number."""
    mark = reader.mark()
    is_said = reader.take(words.MONTH) is not None
    while is_said and reader.take(words.EVERY):
        pass
    if reader.take(words.LAST_DAY):
        reader.take(words.OF_MONTH)
        return LAST_OF_MONTH
    found = reader.take(words.ORDINAL, words.MONTH_DAY) or (
        reader.take(words.NUMBERED_DAY, r"(\d{1,2})") if is_said else None
    )
    if found is None and (found := reader.take(words.NUMBERED_DAY)) is not None and not _is_month_day(reader):
        found = None
    if found is None:
        reader.back(mark)
        return None
    day = next(int(group) for group in found.groups() if group)
    reader.take(words.OF_MONTH)
    if not 1 <= day <= LAST_OF_MONTH:
        raise NotUnderstood(ScheduleFlaw.WHEN)
    return day


def _is_month_day(reader: _Reader) -> bool:
    """Return True if a number after `day` is a day of the month: a time, or `of the month`, follows it."""
    return reader.look(rf"{words.OF_MONTH}|(?:{words.AT})?\s*\d{{1,2}}(?:[:.h]\d{{2}}|\s*(?:{words.HOUR_SIGN}))")


def _named(reader: _Reader) -> tuple[int, ...]:
    """Read days of the week: `Monday`, `mon-fri`, `thứ hai và thứ năm`."""
    one = rf"(?:{_WEEKDAY})"
    found = reader.take(rf"{one}(?:(?:{words.AND}|{words.TO}){one})*")
    if found is None:
        return ()
    days: set[int] = set()
    for item in re.split(words.AND, found[0], flags=re.IGNORECASE):
        ends = [_weekday(name) for name in re.split(words.TO, item, flags=re.IGNORECASE)]
        days.update(_span(ends[0], ends[-1]))
    return tuple(sorted(days))


def _span(first: int, last: int) -> list[int]:
    """Return the days from one to another, which may include the end of the week."""
    return [(first - 1 + step) % 7 + 1 for step in range((last - first) % 7 + 1)]


def _weekday(name: str) -> int:
    said = name.strip()
    return next(n for n, each in enumerate(words.WEEKDAYS, 1) if re.fullmatch(each, said, re.IGNORECASE))


def _time(reader: _Reader, *, is_late: bool = False) -> int | None:
    """Read a time of day as a minute; None if there is none. `is_late`: 8 means 20:00."""
    mark = reader.mark()
    while reader.take(words.AT, words.EVERY):
        pass
    if reader.take(words.NOON):
        return _NOON_HOUR * MINUTES_PER_HOUR
    if reader.take(words.MIDNIGHT):
        return 0
    sign = rf"[:.]|\s*(?:{words.HOUR_SIGN})\s*"
    parts = f"{words.BEFORE_NOON}|{words.AFTER_NOON}|{words.NIGHT}|{words.MIDDAY}"
    found = reader.take(
        rf"(\d{{1,2}})(?:(?:{sign})(\d{{2}}|{words.HALF}))?(?:\s*(?:{words.HOUR_SIGN}))?(?:\s*({parts}))?(?<![:.])"
    )
    if found is None:
        reader.back(mark)
        return None
    minute = 30 if (found[2] or "").lower() == words.HALF else int(found[2] or 0)
    return _minute(int(found[1]), minute, (found[3] or "").lower(), is_late=is_late)


def _minute(hour: int, minute: int, part: str, *, is_late: bool) -> int:
    """Return the minute of the day. Raises NotUnderstood if there is no such time."""
    if part and hour > _NOON_HOUR and re.fullmatch(words.BEFORE_NOON, part):
        raise NotUnderstood(ScheduleFlaw.NO_SUCH_TIME)
    if re.fullmatch(words.NIGHT, part):
        hour = hour % _NOON_HOUR if hour == _NOON_HOUR or hour < _EARLY else _after_noon(hour)
    elif re.fullmatch(words.AFTER_NOON, part) or (not part and is_late):
        hour = _after_noon(hour)
    elif re.fullmatch(words.MIDDAY, part):
        hour = _after_noon(hour) if hour < _EARLY else hour
    elif hour == _NOON_HOUR and part in {"am", "a.m.", "a.m", "sáng"}:
        hour = 0
    if hour >= _HOURS or minute >= MINUTES_PER_HOUR:
        raise NotUnderstood(ScheduleFlaw.NO_SUCH_TIME)
    return hour * MINUTES_PER_HOUR + minute


def _after_noon(hour: int) -> int:
    return hour + _NOON_HOUR if hour < _NOON_HOUR else hour
