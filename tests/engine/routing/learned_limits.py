"""Learned limits with accepted and refused attempts."""

from engine.routing.rate_limits import LearnedLimit


def refuse(limit: LearnedLimit, now: float) -> None:
    limit.begin(now)
    limit.refused(now, now)


def serve(limit: LearnedLimit, now: float) -> None:
    limit.begin(now)
    limit.accepted(now)


def learned(most: int = 20) -> LearnedLimit:
    """Return a limit that accepted `most` attempts, one per second, and then got a 429."""
    limit = LearnedLimit()
    for second in range(most):
        serve(limit, second)
    refuse(limit, most)
    return limit
