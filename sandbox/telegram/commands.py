"""The command menu, by scope and language (the narrowest wins), the menu button, and the texts of the bot's profile."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram.params import Params, decoded
from sandbox.telegram.refusals import flood, refuse
from sandbox.telegram.world import World

MOST_COMMANDS = 100
MOST_DESCRIPTION = 256
MOST_PROFILE_DESCRIPTION, MOST_SHORT_DESCRIPTION = 512, 120
MOST_PROFILE_CHANGES, PROFILE_SECONDS = 5, 3600.0
_COMMAND = re.compile(r"^[a-z0-9_]{1,32}$")
_LANGUAGE = re.compile(r"^([a-z]{2})?$")
_OF_ALL = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
_OF_CHAT = ("chat", "chat_administrators", "chat_member")


async def set_my_commands(world: World, params: Params) -> Any:
    commands = decoded(params, "commands", list)
    if len(commands) > MOST_COMMANDS:
        raise refuse("commands")
    world.commands[_key(world, params)] = [_checked(command) for command in commands]
    world.publish("commands", 0)
    return True


async def get_my_commands(world: World, params: Params) -> Any:
    return world.commands.get(_key(world, params), [])


async def delete_my_commands(world: World, params: Params) -> Any:
    world.commands.pop(_key(world, params), None)
    world.publish("commands", 0)
    return True


async def set_my_description(world: World, params: Params) -> Any:
    return _set_profile_text(world, params, "description", MOST_PROFILE_DESCRIPTION)


async def get_my_description(world: World, params: Params) -> Any:
    return {"description": _profile_text(world, params, "description")}


async def set_my_short_description(world: World, params: Params) -> Any:
    return _set_profile_text(world, params, "short_description", MOST_SHORT_DESCRIPTION)


async def get_my_short_description(world: World, params: Params) -> Any:
    return {"short_description": _profile_text(world, params, "short_description")}


async def set_chat_menu_button(world: World, params: Params) -> Any:
    """Set the menu button of one private chat, or of all private chats that have no button of their own."""
    world.menu_buttons[_private(world, params)] = _menu_button(params.get("menu_button"))
    return True


async def get_chat_menu_button(world: World, params: Params) -> Any:
    everybodys = world.menu_buttons.get(0, {"type": "commands"})
    found = world.menu_buttons.get(_private(world, params), everybodys)
    return everybodys if found["type"] == "default" else found


def menu(world: World, user_id: int, chat_id: int) -> list[dict[str, str]]:
    """Return the commands that this user sees in this chat."""
    language = world.users[user_id].get("language_code", "")
    if chat_id == user_id:
        scopes = [f"chat {chat_id}", "all_private_chats", "default"]
    else:
        scopes = [f"chat_member {chat_id} {user_id}", f"chat {chat_id}", "all_group_chats", "default"]
    names = ((scope, tongue) for scope in scopes for tongue in (language, ""))
    return next((world.commands[name] for name in names if world.commands.get(name)), [])


def _set_profile_text(world: World, params: Params, name: str, most: int) -> bool:
    """Set a text of the profile; an empty text removes it. Changes of one text are rate limited."""
    text, key = str(params.get(name) or ""), (name, _language(params))
    if len(text) > most:
        raise refuse("profile_text", which="ABOUT" if name.startswith("short") else "DESCRIPTION")
    changes = [at for at in world.profile_changes.get(key, []) if at > world.now() - PROFILE_SECONDS]
    if len(changes) >= MOST_PROFILE_CHANGES:
        raise flood(int(PROFILE_SECONDS))
    world.profile_changes[key] = [*changes, world.now()]
    world.profile[key] = text
    world.publish("profile", 0)
    return True


def _profile_text(world: World, params: Params, name: str) -> str:
    """Return the text for a language; if there is none, the default text."""
    return world.profile.get((name, _language(params))) or world.profile.get((name, ""), "")


def _language(params: Params) -> str:
    language = str(params.get("language_code") or "")
    if not _LANGUAGE.match(language):
        raise refuse("language")
    return language


def _key(world: World, params: Params) -> tuple[str, str]:
    language = _language(params)
    scope = decoded(params, "scope", dict)
    kind = scope.get("type", "default")
    if kind in _OF_ALL:
        return kind, language
    if kind not in _OF_CHAT:
        raise refuse("scope")
    chat = world.chat_of({"chat_id": scope.get("chat_id", "")}, reach=False)
    member = f" {scope.get('user_id', '')}" if kind == "chat_member" else ""
    return f"{kind} {chat.id}{member}", language


def _private(world: World, params: Params) -> int:
    if not params.get("chat_id"):
        return 0
    chat = world.chat_of(params, reach=False)
    if chat.type != "private":
        raise refuse("no_user")
    return chat.id


def _menu_button(raw: Any) -> dict[str, Any]:
    """Return the given menu button, or the default one if none is given."""
    if raw in (None, ""):
        return {"type": "default"}
    try:
        button = json.loads(str(raw))
    except ValueError:
        raise refuse("menu_json") from None
    kind = button.get("type") if isinstance(button, dict) else None
    if kind in ("default", "commands"):
        return {"type": kind}
    if kind != "web_app":
        raise refuse("menu_type")
    return _web_app_button(button)


def _web_app_button(button: dict[str, Any]) -> dict[str, Any]:
    app = button.get("web_app")
    if not isinstance(button.get("text"), str):
        raise refuse("menu_field", field="text")
    if not isinstance(app, dict):
        raise refuse("menu_field", field="web_app")
    if not isinstance(app.get("url"), str):
        raise refuse("menu_field", field="url")
    if not button["text"]:
        raise refuse("menu_text")
    parts = urlsplit(app["url"])
    if parts.scheme != "https" or not parts.hostname:
        raise refuse("menu_url", url=app["url"])
    return {"type": "web_app", "text": button["text"], "web_app": {"url": app["url"]}}


def _checked(command: Any) -> dict[str, str]:
    name, description = str(command.get("command", "")), str(command.get("description", ""))
    if not _COMMAND.match(name):
        raise refuse("command")
    if not 1 <= len(description) <= MOST_DESCRIPTION:
        raise refuse("command_description")
    return {"command": name, "description": description}
