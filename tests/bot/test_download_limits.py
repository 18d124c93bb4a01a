from datetime import timedelta

from bot.download_limits import MOST_USERS, DownloadLimits
from tests.bot.settings import bot_config
from tests.storage.books import FixedClock

CONFIG = bot_config(files_per_minute=2, bytes_per_day=100)


def test_files_per_minute_are_limited_for_each_user() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    assert [downloads.take(1, 1, CONFIG, clock) for _ in range(3)] == [None, None, "chat.files_minute"]
    assert downloads.take(2, 1, CONFIG, clock) is None
    clock.move(timedelta(minutes=1))
    assert downloads.take(1, 1, CONFIG, clock) is None


def test_bytes_per_day_are_limited_and_a_refused_file_is_not_counted() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    assert downloads.take(1, 99, CONFIG, clock) is None
    assert downloads.take(1, 2, CONFIG, clock) == "chat.files_day"
    assert downloads.take(1, 1, CONFIG, clock) is None
    clock.move(timedelta(days=1))
    assert downloads.take(1, 100, CONFIG, clock) is None


def test_minute_continues_over_midnight() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    clock.move(timedelta(hours=11, minutes=59, seconds=50))
    assert [downloads.take(1, 1, CONFIG, clock) for _ in range(2)] == [None, None]
    clock.move(timedelta(seconds=20))
    assert downloads.take(1, 1, CONFIG, clock) == "chat.files_minute"


def test_closed_day_ends_at_midnight() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    downloads.close_day(1, CONFIG, clock)
    assert downloads.take(1, 0, CONFIG, clock) == "chat.files_day"
    assert downloads.take(2, 0, CONFIG, clock) is None
    clock.move(timedelta(days=1))
    assert downloads.take(1, 1, CONFIG, clock) is None


def test_users_of_earlier_days_are_forgotten_and_those_of_today_are_not() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    for user_id in range(MOST_USERS):
        downloads.take(user_id, 1, CONFIG, clock)
    clock.move(timedelta(days=1))
    downloads.take(-1, 100, CONFIG, clock)
    downloads.take(-2, 1, CONFIG, clock)
    assert len(downloads._users) == 2
    assert downloads.take(-1, 1, CONFIG, clock) == "chat.files_day"
