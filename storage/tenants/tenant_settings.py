"""Changes to a tenant's access and settings: ban, admission, terms, name, language, chosen settings."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from storage.database.connection import Connection, for_update, ms, scalar
from storage.tenants import app_tokens

INSTRUCTIONS = "instructions"
"""The setting with the text that the model always gets from this tenant."""
SIGNED_OUT = "app_signed_out_at"
"""The setting with the time, in milliseconds, at which the tenant last signed out of the Mini App everywhere."""


def set_banned(conn: Connection, tenant_id: int, banned: bool) -> None:
    """Ban a tenant and the teams that it owns, or lift the ban.

    A ban ends the sessions of the Mini App; lifting it does not restore them.
    """
    if banned:
        app_tokens.end_all(conn, tenant_id)
    conn.run(
        "UPDATE tenants SET banned = :banned WHERE id = :id"
        " OR id IN (SELECT wallet_id FROM teams WHERE owner_id = :id)",
        id=tenant_id,
        banned=banned,
    )


def set_access(conn: Connection, tenant_id: int, access: str) -> bool:
    """Admit or decline a tenant; return False if `access` was set already."""
    return bool(
        conn.run(
            "UPDATE tenants SET access = :access WHERE id = :id AND access <> :access", id=tenant_id, access=access
        )
    )


def sign_out(conn: Connection, tenant_id: int, now: datetime) -> int:
    """End the tenant's sessions of the Mini App; return their number. InitData from before is refused from now on."""
    set_setting(conn, tenant_id, SIGNED_OUT, ms(now))
    return app_tokens.end_all(conn, tenant_id)


def set_blocked(conn: Connection, user_id: int, blocked: bool) -> None:
    """Store whether the Telegram user has blocked the bot."""
    conn.run(
        "UPDATE tenants SET blocked = :blocked WHERE telegram_user_id = :id AND blocked <> :blocked",
        id=user_id,
        blocked=blocked,
    )


def agree_terms(conn: Connection, tenant_id: int, version: str, now: datetime) -> None:
    """Store the agreement to a version of the terms. Repeating it does not change the time."""
    conn.run(
        "UPDATE tenants SET agreed_terms_at = :now, agreed_terms = :version"
        " WHERE id = :id AND agreed_terms <> :version",
        id=tenant_id,
        now=ms(now),
        version=version,
    )


def forget_name(conn: Connection, tenant_id: int) -> None:
    """Erase the name and username, and never store them again."""
    conn.run("UPDATE tenants SET name = '', username = '' WHERE id = :id", id=tenant_id)
    set_setting(conn, tenant_id, "nameless", True)


def set_language(conn: Connection, tenant_id: int, language: str) -> None:
    """Store the language chosen in /settings."""
    conn.run("UPDATE tenants SET language = :language WHERE id = :id", id=tenant_id, language=language)


def set_keep_days(conn: Connection, tenant_id: int, days: int | None) -> None:
    """Store for how many days a tenant's texts are kept; None: as long as the operator keeps them."""
    conn.run("UPDATE tenants SET keep_days = :days WHERE id = :id", days=days, id=tenant_id)


def set_setting(conn: Connection, tenant_id: int, key: str, value: object) -> None:
    """Store a setting; None restores its default."""
    change_setting(conn, tenant_id, key, lambda _: value)


def change_setting(conn: Connection, tenant_id: int, key: str, change: Callable[[Any], object]) -> None:
    """Store the changed value of a setting; None restores its default. Simultaneous changes wait for each other."""
    stored = scalar(conn, "SELECT settings FROM tenants WHERE id = :id" + for_update(conn), id=tenant_id)
    settings = json.loads(stored or "{}")
    value = change(settings.pop(key, None))
    if value is not None:
        settings[key] = value
    conn.run("UPDATE tenants SET settings = :settings WHERE id = :id", id=tenant_id, settings=json.dumps(settings))
