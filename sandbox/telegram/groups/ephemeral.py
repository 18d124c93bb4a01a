"""Ephemeral messages, which only one member of a group sees: sent by admins, or soon after an ephemeral command."""

from typing import Any

from sandbox.telegram.params import Params, decoded, markup, number, required
from sandbox.telegram.refusals import refuse
from sandbox.telegram.text import message_text
from sandbox.telegram.world import BOT_ID, Chat, World

REPLY_SECONDS = 15.0


def command(world: World, chat_id: int, user_id: int, text: str) -> int:
    """Send an ephemeral command of a person, which only the bot sees. Return its id."""
    chat = world.chats[chat_id]
    message = _message(world, chat, world.users[user_id], world.bot, text)
    message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
    chat.ephemeral_commands[message["ephemeral_message_id"]] = (user_id, world.now())
    world.updates.push("message", message)
    return int(message["ephemeral_message_id"])


def sent_to_one(world: World, params: Params, content: dict[str, Any]) -> Any:
    """Post an ephemeral message. Raises the refusals if the bot may not do so, or its reader is not a member."""
    chat, wanted = world.chat_of(params), decoded(params, "ephemeral_message_parameters", dict)
    reader = number(wanted, "receiver_user_id")
    if chat.type != "supergroup" or not (BOT_ID in chat.admins or _replies(world, params, chat, reader)):
        raise refuse("not_admin")
    if reader not in {*chat.members, *chat.admins}:
        raise refuse("no_member_here")
    world.flood_control.visible(chat.id)
    message = {**_message(world, chat, world.bot, world.users[reader], content["text"]), **content}
    message["reply_markup"] = markup(params)
    shown = {name: value for name, value in message.items() if value not in (None, [], "")}
    chat.ephemeral[shown["ephemeral_message_id"]] = shown
    return shown


def _replies(world: World, params: Params, chat: Chat, reader: int) -> bool:
    """Return True for a reply to an ephemeral command of this reader within REPLY_SECONDS."""
    replied = number(decoded(params, "reply_parameters", dict), "ephemeral_message_id")
    user_id, at = chat.ephemeral_commands.get(replied, (0, 0.0))
    return user_id == reader and world.now() <= at + REPLY_SECONDS


def _message(world: World, chat: Chat, sender: dict[str, Any], receiver: dict[str, Any], text: str) -> dict[str, Any]:
    number_here = len(chat.ephemeral) + len(chat.ephemeral_commands) + 1
    head = {"message_id": 0, "ephemeral_message_id": number_here, "date": world.date(), "chat": world.shown(chat)}
    return {**head, "from": sender, "receiver_user": receiver, "text": text}


async def delete_ephemeral_message(world: World, params: Params) -> Any:
    _known(world, params)
    del world.chat_of(params).ephemeral[number(params, "ephemeral_message_id")]
    return True


async def edit_ephemeral_message_text(world: World, params: Params) -> Any:
    message, found = _known(world, params), message_text(params, edit=True)
    message |= {"text": found.text, "entities": found.entities, "reply_markup": markup(params)}
    return True


def _known(world: World, params: Params) -> dict[str, Any]:
    """Return the message that the three ids name."""
    for name in ("chat_id", "receiver_user_id", "ephemeral_message_id"):
        required(params, name)
    found = world.chat_of(params).ephemeral.get(number(params, "ephemeral_message_id"))
    if found is None or found["receiver_user"]["id"] != number(params, "receiver_user_id"):
        raise refuse("ephemeral_unknown")
    return found
