"""Members of chats, and the group messages that privacy mode shows to a bot."""

from typing import Any

SERVICE = frozenset({"migrate_to_chat_id", "migrate_from_chat_id"})
"""Service messages that every bot receives."""
_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
"""The rights of an administrator that are never left out."""


def membership(user: dict[str, Any], status: str) -> dict[str, Any]:
    """Return the ChatMember of this status, with the fields that Telegram always sends."""
    more: dict[str, dict[str, Any]] = {
        "administrator": dict.fromkeys(_RIGHTS, True),
        "creator": {"is_anonymous": False},
        "kicked": {"until_date": 0},
    }
    return {"user": user, "status": status, **more.get(status, {})}


def words_of_entities(message: dict[str, Any]) -> list[str]:
    """Return the mentions and commands of a message."""
    units = str(message.get("text") or message.get("caption") or "").encode("utf-16-le", "surrogatepass")
    entities = message.get("entities") or message.get("caption_entities") or []
    spans = [(each["offset"], each["length"]) for each in entities if each["type"] in {"mention", "bot_command"}]
    return [units[2 * start : 2 * (start + length)].decode("utf-16-le", "replace") for start, length in spans]
