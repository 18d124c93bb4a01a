"""Telegram's rate limits for a chat, a group, all chats, and drafts. A call during a ban makes the ban longer."""

import math
from collections import defaultdict, deque
from collections.abc import Callable

from sandbox.telegram.refusals import flood

_PRIVATE = ((8, 5.0), (60, 60.0))
_GROUP = ((20, 60.0),)
_DRAFTS = ((20, 5.0), (40, 30.0))
_ALL = ((30, 1.0),)
LONGER_SECONDS = 5.0


class FloodControl:
    """Counts calls. `monotonic`: the clock, in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._now = monotonic
        self._spent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._banned: dict[str, float] = {}

    def visible(self, chat_id: int) -> None:
        """Count a message, an edit or a deletion. Raises the refusal 429 above the limit."""
        self._spend(f"chat {chat_id}", _GROUP if chat_id < 0 else _PRIVATE)
        self._spend("all", _ALL)

    def draft(self, chat_id: int) -> None:
        self._spend(f"draft {chat_id}", _DRAFTS)

    def ban(self, chat_id: int, seconds: float) -> None:
        """Refuse calls for this chat for `seconds`. For tests."""
        for kind in ("chat", "draft"):
            self._banned[f"{kind} {chat_id}"] = self._now() + seconds

    def _spend(self, name: str, budgets: tuple[tuple[int, float], ...]) -> None:
        now = self._now()
        if self._banned.get(name, 0) > now:
            self._banned[name] += LONGER_SECONDS
            raise flood(math.ceil(self._banned[name] - now))
        spent = self._spent[name]
        while spent and spent[0] <= now - budgets[-1][1]:
            spent.popleft()
        for most, seconds in budgets:
            recent = [moment for moment in spent if moment > now - seconds]
            if len(recent) >= most:
                wait = recent[-most] + seconds - now
                self._banned[name] = now + wait
                raise flood(math.ceil(wait))
        spent.append(now)
