"""Mini App data of a person, signed with the bot's token like Telegram's. Source: core.telegram.org/bots/webapps."""

import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlencode

from sandbox.telegram.world import TOKEN, World

SIGNED = ("id", "first_name", "username", "language_code")


def init_data(world: World, user_id: int) -> str:
    """Return the initData of this person, signed now. Raises KeyError for a person who does not exist."""
    person = world.users[user_id]
    user = {name: person[name] for name in SIGNED if name in person} | {"allows_write_to_pm": True}
    fields = {
        "query_id": f"AA{secrets.token_urlsafe(15)}",
        "user": json.dumps(user, separators=(",", ":")),
        "auth_date": str(int(time.time())),
    }
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hmac.new(b"WebAppData", TOKEN.encode(), hashlib.sha256).digest()
    return urlencode({**fields, "hash": hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()})
