"""Downloads: how many files, and how many bytes, each person may have the house fetch."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from engine.ports import Clock

WINDOW_SECONDS = 60.0
KEEP_PEOPLE = 5_000


class Limits(Protocol):
    @property
    def files_per_minute(self) -> int: ...
    @property
    def bytes_per_day(self) -> int: ...


@dataclass(slots=True)
class _Person:
    day: date
    bytes_today: int = 0
    fetched: deque[float] = field(default_factory=deque)


class DownloadLimits:
    """Counted in this process: a restart forgets, which costs the house a day's bytes at most."""

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}

    def take(self, user_id: int, size: int, limits: Limits, clock: Clock) -> str | None:
        """Count one file; or why not, as a key of the locales, and count nothing."""
        now, today = clock.monotonic(), clock.now().date()
        person = self._person(user_id, today)
        while person.fetched and person.fetched[0] <= now - WINDOW_SECONDS:
            person.fetched.popleft()
        if len(person.fetched) >= limits.files_per_minute:
            return "chat.files_minute"
        if person.bytes_today + size > limits.bytes_per_day:
            return "chat.files_day"
        person.fetched.append(now)
        person.bytes_today += size
        return None

    def close_day(self, user_id: int, limits: Limits, clock: Clock) -> None:
        """Nothing more is fetched for this person today."""
        self._person(user_id, clock.now().date()).bytes_today = limits.bytes_per_day + 1

    def _person(self, user_id: int, today: date) -> _Person:
        if len(self._people) > KEEP_PEOPLE:
            self._people = {key: each for key, each in self._people.items() if each.day == today}
        person = self._people.get(user_id)
        if person is None or person.day != today:
            person = self._people[user_id] = _Person(today, fetched=person.fetched if person else deque())
        return person
