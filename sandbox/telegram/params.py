"""Parameters of a call, read as Telegram does: strings from the URL, a form or JSON, and uploads."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.refusals import missing, refuse

Params = dict[str, Any]
MOST_DATA_BYTES = 64
MOST_KEYS = 100
MOST_COPIED = 256
_ACTIONS = ("url", "callback_data", "web_app", "pay", "copy_text", "login_url", "switch_inline_query")
_URL = re.compile(r"^(https?|tg|ton)://\S+$")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart call."""

    name: str
    kind: str
    data: bytes


def is_true(value: Any) -> bool:
    return str(value).lower() in {"true", "1", "yes"}


def number(params: Params, field: str) -> int:
    """Return the number in a field; like Telegram, 0 if it is absent or not a number."""
    raw = str(params.get(field) or "")
    return int(raw) if re.fullmatch(r"-?\d{1,19}", raw) else 0


def required(params: Params, field: str) -> str:
    """Return a field. Raises the refusal if it is absent or empty."""
    value = str(params.get(field) or "")
    if not value:
        raise missing(field)
    return value


def decoded(params: Params, field: str, kind: type) -> Any:
    """Return the JSON value of a field, an empty `kind` if it is absent. Raises the refusal for any other type."""
    raw = params.get(field)
    if raw in (None, ""):
        return kind()
    try:
        found = json.loads(str(raw))
    except ValueError:
        raise refuse("not_json", field=field) from None
    if not isinstance(found, kind):
        raise refuse("not_json", field=field)
    return found


def markup(params: Params) -> dict[str, Any] | None:
    """Return the keyboard. Raises the refusal for an inline button without a text and exactly one action."""
    if params.get("reply_markup") in (None, ""):
        return None
    try:
        found = json.loads(str(params["reply_markup"]))
    except ValueError:
        raise refuse("markup_json") from None
    if not isinstance(found, dict):
        raise refuse("markup")
    rows = found.get("inline_keyboard", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise refuse("keyboard_rows")
    keys = [key for row in rows for key in row]
    if len(keys) > MOST_KEYS:
        raise refuse("keyboard_size")
    in_group = str(params.get("chat_id", "")).startswith("-")
    for key in keys:
        _check_key(key)
        _check_app_key(key, in_group=in_group)
    return found


def _check_key(key: Any) -> None:
    if not isinstance(key, dict):
        raise refuse("key_object")
    if not isinstance(key.get("text"), str):
        raise refuse("key_text")
    actions = [name for name in _ACTIONS if key.get(name)]
    if not actions:
        raise refuse("key_action")
    if "callback_data" in actions and len(str(key["callback_data"]).encode()) > MOST_DATA_BYTES:
        raise refuse("key_data")
    if "url" in actions and not _URL.match(str(key["url"])):
        raise refuse("key_url")
    copied = key.get("copy_text")
    if copied and not 0 < len(str(copied.get("text", ""))) <= MOST_COPIED:
        raise refuse("key_copy")


def _check_app_key(key: dict[str, Any], *, in_group: bool) -> None:
    """Check a button that opens a Mini App: only private chats may have it."""
    app = key.get("web_app")
    if not app:
        return
    if not str(app.get("url", "")).startswith("https://"):
        raise refuse("key_app_url", url=app.get("url", ""))
    if in_group:
        raise refuse("key_type")
