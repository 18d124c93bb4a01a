from dataclasses import dataclass
from datetime import timedelta

from bot.download_limits import DownloadLimits
from tests.storage.books import FixedClock


@dataclass(frozen=True)
class Limits:
    files_per_minute: int = 2
    bytes_per_day: int = 100


def test_so_many_files_a_minute() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    assert [downloads.take(1, 1, Limits(), clock) for _ in range(3)] == [None, None, "chat.files_minute"]
    assert downloads.take(2, 1, Limits(), clock) is None
    clock.move(timedelta(minutes=1))
    assert downloads.take(1, 1, Limits(), clock) is None


def test_so_many_bytes_a_day_and_what_is_refused_counts_nothing() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    assert downloads.take(1, 99, Limits(), clock) is None
    assert downloads.take(1, 2, Limits(), clock) == "chat.files_day"
    assert downloads.take(1, 1, Limits(), clock) is None
    clock.move(timedelta(days=1))
    assert downloads.take(1, 100, Limits(), clock) is None


def test_the_minute_goes_on_over_midnight() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    clock.move(timedelta(hours=11, minutes=59, seconds=50))
    assert [downloads.take(1, 1, Limits(), clock) for _ in range(2)] == [None, None]
    clock.move(timedelta(seconds=20))
    assert downloads.take(1, 1, Limits(), clock) == "chat.files_minute"


def test_a_day_that_was_closed_is_over_at_its_end() -> None:
    downloads, clock = DownloadLimits(), FixedClock()
    downloads.close_day(1, Limits(), clock)
    assert downloads.take(1, 0, Limits(), clock) == "chat.files_day"
    assert downloads.take(2, 0, Limits(), clock) is None
    clock.move(timedelta(days=1))
    assert downloads.take(1, 1, Limits(), clock) is None
