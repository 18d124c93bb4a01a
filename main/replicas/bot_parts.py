"""The bot's facts that replicas share, as JSON: Telegram's budgets, and answers to stop."""

from typing import Any

from bot.delivery.rate_limiter import RateLimiter
from bot.running_answers import RunningAnswers
from main.replicas.exchange import SharedPart
from main.replicas.parts import MINUTE_SECONDS


class TelegramPart:
    """The calls to each chat, and the waits that Telegram required."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    def take(self) -> Any:
        return self._limiter.take_calls()

    def apply(self, told: Any, age_seconds: float) -> None:
        if age_seconds < MINUTE_SECONDS:
            self._limiter.count_elsewhere(told, age_seconds)


class StopPart:
    """The answers to stop that another process may be giving."""

    def __init__(self, answers: RunningAnswers) -> None:
        self._answers = answers

    def take(self) -> Any:
        return self._answers.take_stops()

    def apply(self, told: Any, age_seconds: float) -> None:
        if age_seconds < MINUTE_SECONDS:
            for chat_id, thread_id, user_id in told:
                self._answers.stop_here(chat_id, thread_id, user_id)


def bot_parts(limiter: RateLimiter, answers: RunningAnswers) -> dict[str, SharedPart]:
    return {"telegram": TelegramPart(limiter), "stops": StopPart(answers)}
