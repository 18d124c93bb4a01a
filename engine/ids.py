"""Ids in the order of their creation: new ones are added at the end of a database index."""

import secrets
from datetime import datetime


def time_ordered(now: datetime) -> str:
    """Return 32 hex digits: 12 of milliseconds since 1970, 20 random ones."""
    return f"{round(now.timestamp() * 1000):012x}{secrets.token_hex(10)}"
