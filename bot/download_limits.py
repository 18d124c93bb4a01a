"""Limits of downloads: files per minute and bytes per day, for each user."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date

from bot.config import BotConfig
from engine.ports import Clock

WINDOW_SECONDS = 60.0
MOST_USERS = 5_000
"""Above this number, users without downloads today are forgotten."""


@dataclass(slots=True)
class _UserDownloads:
    day: date
    bytes_today: int = 0
    fetched_at: deque[float] = field(default_factory=deque)


class DownloadLimits:
    """Counts the downloads of each user in this process. A restart resets the counts."""

    def __init__(self) -> None:
        self._users: dict[int, _UserDownloads] = {}

    def take(self, user_id: int, size: int, config: BotConfig, clock: Clock) -> str | None:
        """Count one file of `size` bytes. Above a limit, count nothing and return the locales' key of the reason."""
        now, today = clock.monotonic(), clock.now().date()
        user = self._user(user_id, today)
        while user.fetched_at and user.fetched_at[0] <= now - WINDOW_SECONDS:
            user.fetched_at.popleft()
        if len(user.fetched_at) >= config.files_per_minute:
            return "chat.files_minute"
        if user.bytes_today + size > config.bytes_per_day:
            return "chat.files_day"
        user.fetched_at.append(now)
        user.bytes_today += size
        return None

    def close_day(self, user_id: int, config: BotConfig, clock: Clock) -> None:
        """Refuse all further files of this user today."""
        self._user(user_id, clock.now().date()).bytes_today = config.bytes_per_day + 1

    def _user(self, user_id: int, today: date) -> _UserDownloads:
        if len(self._users) > MOST_USERS:
            self._users = {key: each for key, each in self._users.items() if each.day == today}
        user = self._users.get(user_id)
        if user is None or user.day != today:
            fetched_at = user.fetched_at if user else deque[float]()
            user = self._users[user_id] = _UserDownloads(today, fetched_at=fetched_at)
        return user
