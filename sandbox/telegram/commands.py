"""The command menu: set and read by scope and language; the narrowest wins."""

import re
from typing import Any

from sandbox.telegram.params import Params, decoded
from sandbox.telegram.refusals import refuse
from sandbox.telegram.world import World

MOST_COMMANDS = 100
MOST_DESCRIPTION = 256
_COMMAND = re.compile(r"^[a-z0-9_]{1,32}$")
_LANGUAGE = re.compile(r"^([a-z]{2})?$")
_OF_ALL = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
_OF_CHAT = ("chat", "chat_administrators", "chat_member")


async def set_my_commands(world: World, params: Params) -> Any:
    commands = decoded(params, "commands", list)
    if len(commands) > MOST_COMMANDS:
        raise refuse("commands")
    world.commands[_key(world, params)] = [_checked(command) for command in commands]
    world.tell("commands", 0)
    return True


async def get_my_commands(world: World, params: Params) -> Any:
    return world.commands.get(_key(world, params), [])


async def delete_my_commands(world: World, params: Params) -> Any:
    world.commands.pop(_key(world, params), None)
    world.tell("commands", 0)
    return True


def menu(world: World, user_id: int, chat_id: int) -> list[dict[str, str]]:
    """What a person is shown there."""
    language = world.users[user_id].get("language_code", "")
    if chat_id == user_id:
        scopes = [f"chat {chat_id}", "all_private_chats", "default"]
    else:
        scopes = [f"chat_member {chat_id} {user_id}", f"chat {chat_id}", "all_group_chats", "default"]
    names = ((scope, tongue) for scope in scopes for tongue in (language, ""))
    return next((world.commands[name] for name in names if world.commands.get(name)), [])


def _key(world: World, params: Params) -> tuple[str, str]:
    language = str(params.get("language_code") or "")
    if not _LANGUAGE.match(language):
        raise refuse("language")
    scope = decoded(params, "scope", dict)
    kind = scope.get("type", "default")
    if kind in _OF_ALL:
        return kind, language
    if kind not in _OF_CHAT:
        raise refuse("scope")
    chat = world.chat_of({"chat_id": scope.get("chat_id", "")}, reach=False)
    member = f" {scope.get('user_id', '')}" if kind == "chat_member" else ""
    return f"{kind} {chat.id}{member}", language


def _checked(command: Any) -> dict[str, str]:
    name, description = str(command.get("command", "")), str(command.get("description", ""))
    if not _COMMAND.match(name):
        raise refuse("command")
    if not 1 <= len(description) <= MOST_DESCRIPTION:
        raise refuse("command_description")
    return {"command": name, "description": description}
