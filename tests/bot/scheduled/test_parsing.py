"""The words after /every: each form of a time in English and Vietnamese, and words that are refused."""

import pytest

from bot.scheduled.parsing import NotUnderstood, ParsedSchedule, ScheduleFlaw, parsed
from storage.schedules.recurrence import EVERY_DAY, LAST_OF_MONTH, WEEKDAYS, WEEKEND, Recurrence, Unit

PROMPT = "what's new in AI?\nIn 3 lines."


def week(*days: int, at: str) -> Recurrence:
    return Recurrence(Unit.WEEK, days, minute(at))


def minute(at: str) -> int:
    hours, _, minutes = at.partition(":")
    return int(hours) * 60 + int(minutes)


def month(day: int, at: str) -> Recurrence:
    return Recurrence(Unit.MONTH, (day,), minute(at))


def days(number: int, at: str) -> Recurrence:
    return Recurrence(Unit.DAYS, (number,), minute(at))


def hours(number: int) -> Recurrence:
    return Recurrence(Unit.HOURS, (number,))


READ = [
    ("day 8:00", week(*EVERY_DAY, at="8:00")),
    ("day 8", week(*EVERY_DAY, at="8:00")),
    ("day at 08.30", week(*EVERY_DAY, at="8:30")),
    ("Day at 8:15 pm", week(*EVERY_DAY, at="20:15")),
    ("day 8am", week(*EVERY_DAY, at="8:00")),
    ("day 12 am", week(*EVERY_DAY, at="0:00")),
    ("day 12 pm", week(*EVERY_DAY, at="12:00")),
    ("day at noon", week(*EVERY_DAY, at="12:00")),
    ("day at midnight", week(*EVERY_DAY, at="0:00")),
    ("morning at 7", week(*EVERY_DAY, at="7:00")),
    ("evening at 7", week(*EVERY_DAY, at="19:00")),
    ("daily 23:59", week(*EVERY_DAY, at="23:59")),
    ("8:00", week(*EVERY_DAY, at="8:00")),
    ("8pm", week(*EVERY_DAY, at="20:00")),
    ("at 8:00 on mondays", week(1, at="8:00")),
    ("8:00 every weekday", week(*WEEKDAYS, at="8:00")),
    ("weekday 7:30", week(*WEEKDAYS, at="7:30")),
    ("weekdays at 7:30,", week(*WEEKDAYS, at="7:30")),
    ("weekend 10:00", week(*WEEKEND, at="10:00")),
    ("monday 9", week(1, at="9:00")),
    ("Sunday 21:00:", week(7, at="21:00")),
    ("mon, wed and fri 9:00", week(1, 3, 5, at="9:00")),
    ("mon-thu 9:00", week(1, 2, 3, 4, at="9:00")),
    ("fri to mon 9:00", week(1, 5, 6, 7, at="9:00")),
    ("1st 9:00", month(1, "9:00")),
    ("the 15th of each month at 9:00", month(15, "9:00")),
    ("month on the 3rd at 9:00", month(3, "9:00")),
    ("month 3 9:00", month(3, "9:00")),
    ("last day of the month 9:00", month(LAST_OF_MONTH, "9:00")),
    ("2 hours", hours(2)),
    ("2h", hours(2)),
    ("hour", hours(1)),
    ("3 days 8:00", days(3, "8:00")),
    ("1 day 8:00", week(*EVERY_DAY, at="8:00")),
    ("2 weeks at 8:00", days(14, "8:00")),
    ("every day 8:00", week(*EVERY_DAY, at="8:00")),
    ("ngày 8:00", week(*EVERY_DAY, at="8:00")),
    ("mỗi ngày lúc 8 giờ", week(*EVERY_DAY, at="8:00")),
    ("ngày 8h30", week(*EVERY_DAY, at="8:30")),
    ("hằng ngày 8 giờ rưỡi sáng", week(*EVERY_DAY, at="8:30")),
    ("ngày 8 giờ 15 tối", week(*EVERY_DAY, at="20:15")),
    ("ngày 12 giờ đêm", week(*EVERY_DAY, at="0:00")),
    ("ngày 11 giờ đêm", week(*EVERY_DAY, at="23:00")),
    ("ngày 1 giờ trưa", week(*EVERY_DAY, at="13:00")),
    ("8 giờ sáng mỗi ngày", week(*EVERY_DAY, at="8:00")),
    ("sáng lúc 7 giờ", week(*EVERY_DAY, at="7:00")),
    ("tối 8 giờ", week(*EVERY_DAY, at="20:00")),
    ("ngày thường 7:30", week(*WEEKDAYS, at="7:30")),
    ("ngày làm việc 7h30", week(*WEEKDAYS, at="7:30")),
    ("cuối tuần 9:00", week(*WEEKEND, at="9:00")),
    ("thứ hai 9:00", week(1, at="9:00")),
    ("thứ 2 và thứ 5 lúc 9:00", week(1, 4, at="9:00")),
    ("Thứ Hai đến Thứ Sáu 9h", week(*WEEKDAYS, at="9:00")),
    ("chủ nhật 9:00", week(7, at="9:00")),
    ("ngày 15 9:00", month(15, "9:00")),
    ("ngày 1 hằng tháng 9 giờ", month(1, "9:00")),
    ("mùng 1 9:00", month(1, "9:00")),
    ("tháng vào ngày 5 lúc 9:00", month(5, "9:00")),
    ("cuối tháng 9:00", month(LAST_OF_MONTH, "9:00")),
    ("2 giờ", hours(2)),
    ("3 tiếng", hours(3)),
    ("3 ngày 8:00", days(3, "8:00")),
]


@pytest.mark.parametrize(("said", "rule"), READ)
def test_words_are_read_as_a_rule_and_the_prompt_stays_as_it_is(said: str, rule: Recurrence) -> None:
    assert parsed(f"{said} {PROMPT}") == ParsedSchedule(rule, PROMPT)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("what's new in AI?", ScheduleFlaw.WHEN),
        ("fortnight 8:00 news", ScheduleFlaw.WHEN),
        ("42nd 9:00 news", ScheduleFlaw.WHEN),
        ("0 hours news", ScheduleFlaw.WHEN),
        ("999 days 8:00 news", ScheduleFlaw.WHEN),
        ("day news", ScheduleFlaw.TIME),
        ("monday news", ScheduleFlaw.TIME),
        ("3 days news", ScheduleFlaw.TIME),
        ("thứ hai tin tức", ScheduleFlaw.TIME),
        ("day 25:00 news", ScheduleFlaw.NO_SUCH_TIME),
        ("day 8:75 news", ScheduleFlaw.NO_SUCH_TIME),
        ("day 13 am news", ScheduleFlaw.NO_SUCH_TIME),
        ("day 8:00", ScheduleFlaw.PROMPT),
        ("2 hours", ScheduleFlaw.PROMPT),
        ("5 minutes news", ScheduleFlaw.TOO_OFTEN),
        ("5 phút tin tức", ScheduleFlaw.TOO_OFTEN),
    ],
)
def test_other_words_are_refused_with_the_reason(text: str, flaw: ScheduleFlaw) -> None:
    with pytest.raises(NotUnderstood) as refused:
        parsed(text)
    assert refused.value.flaw is flaw


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("day 8 ideas for dinner", "ideas for dinner"),
        ("day 8:00 monday's news", "monday's news"),
        ("day 8:00 10 facts about cats", "10 facts about cats"),
        ("day 8:00 - tell me a joke", "tell me a joke"),
        ("8:00 monday report", "monday report"),
        ("hour 3 jokes", "3 jokes"),
    ],
)
def test_prompt_begins_after_the_time(text: str, prompt: str) -> None:
    assert parsed(text).prompt == prompt
