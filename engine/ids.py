"""Ids that sort by the time they were made: an index of them grows at its end, however many there are."""

import secrets
from datetime import datetime


def time_ordered(now: datetime) -> str:
    """32 hex digits: 12 of milliseconds since 1970, 20 of chance."""
    return f"{round(now.timestamp() * 1000):012x}{secrets.token_hex(10)}"
