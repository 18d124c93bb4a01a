"""Methods that send, edit and delete messages. Each returns Telegram's result or raises its refusal."""

import json
from typing import Any

from sandbox.telegram.groups.ephemeral import sent_to_one
from sandbox.telegram.outside.inline import edit_inline
from sandbox.telegram.params import Params, Upload, decoded, is_true, markup, number, required
from sandbox.telegram.refusals import refuse
from sandbox.telegram.rich_messages.rich import rich_message
from sandbox.telegram.text import MOST_TEXT, caption, formatted, message_text, units
from sandbox.telegram.world import Chat, World

MOST_PHOTO_BYTES = 10 * 1024 * 1024
MOST_FILE_BYTES = 50 * 1024 * 1024
MOST_DOWNLOAD_BYTES = 20 * 1024 * 1024
MOST_SIZES = {"photo": MOST_PHOTO_BYTES, "document": MOST_FILE_BYTES}
PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
ACTIONS = frozenset(
    (
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    )
)


async def send_message(world: World, params: Params) -> Any:
    required(params, "chat_id")
    found = message_text(params)
    content = {"text": found.text, "entities": found.entities}
    if params.get("ephemeral_message_parameters"):
        return sent_to_one(world, params, content)
    return sent(world, params, content)


async def send_message_draft(world: World, params: Params) -> Any:
    chat = world.chat_of(params)
    if chat.type != "private":
        raise refuse("draft_peer")
    draft_id = number(params, "draft_id")
    if not draft_id:
        raise refuse("draft_id")
    found = formatted(params, "text", "entities")
    if units(found.text) > MOST_TEXT:
        raise refuse("too_long")
    world.flood_control.draft(chat.id)
    can = {name: is_true(params.get(name)) for name in ("can_stop", "keep_on_stop")}
    world.draft(chat.id, draft_id, {"text": found.text, "entities": found.entities, **can})
    return True


async def send_rich_message(world: World, params: Params) -> Any:
    """Send a rich message. The returned message has no text."""
    required(params, "chat_id")
    return sent(world, params, {"rich_message": rich_message(params)})


async def edit_message_text(world: World, params: Params) -> Any:
    """Edit a text. A text may become a rich message, and the reverse."""
    if params.get("rich_message"):
        if params.get("text"):
            raise refuse("text_and_rich")
        rich = {"text": None, "entities": None, "rich_message": rich_message(params)}
        return _edited(world, params, {**rich, "reply_markup": markup(params)})
    found = message_text(params, edit=True)
    plain = {"text": found.text, "entities": found.entities, "rich_message": None}
    return _edited(world, params, {**plain, "reply_markup": markup(params)})


async def edit_message_caption(world: World, params: Params) -> Any:
    return _edited(world, params, {**caption(params), "reply_markup": markup(params)})


async def edit_message_media(world: World, params: Params) -> Any:
    """Replace the picture or file of a message together with its caption, or a text by them."""
    media = input_media(params)
    kind = str(media.get("type") or "")
    file_id = _file(world, {**params, kind: media.get("media")}, kind, MOST_SIZES[kind])
    about = photo(world, file_id) if kind == "photo" else document(world, file_id)
    content = dict.fromkeys(("text", "entities", "rich_message", *MOST_SIZES))
    return _edited(world, params, {**content, **about, **caption(media), "reply_markup": markup(params)}, media=True)


async def edit_message_reply_markup(world: World, params: Params) -> Any:
    return _edited(world, params, {"reply_markup": markup(params)})


async def delete_message(world: World, params: Params) -> Any:
    chat = world.chat_of(params)
    world.flood_control.visible(chat.id)
    world.delete(chat.id, _message_id(params))
    return True


async def send_chat_action(world: World, params: Params) -> Any:
    chat = world.chat_of(params)
    action = str(params.get("action") or "")
    if action not in ACTIONS:
        raise refuse("action")
    spend = world.flood_control.draft if chat.type == "private" else world.flood_control.visible
    spend(chat.id)
    world.publish("action", chat.id, action=action)
    return True


async def send_photo(world: World, params: Params) -> Any:
    file_id = _file(world, params, "photo", MOST_PHOTO_BYTES)
    return sent(world, params, {**photo(world, file_id), **caption(params)})


async def send_document(world: World, params: Params) -> Any:
    file_id = _file(world, params, "document", MOST_FILE_BYTES)
    return sent(world, params, {**document(world, file_id), **caption(params)})


async def get_file(world: World, params: Params) -> Any:
    file_id = str(params.get("file_id") or "")
    if file_id not in world.files:
        raise refuse("file_id")
    found = _about(world, file_id)
    if found["file_size"] > MOST_DOWNLOAD_BYTES:
        raise refuse("big_file")
    return {**found, "file_path": world.file_path(file_id)}


def photo(world: World, file_id: str) -> Params:
    return {"photo": [_about(world, file_id, width=1440, height=760)]}


def document(world: World, file_id: str) -> Params:
    name, kind, _ = world.files[file_id]
    return {"document": _about(world, file_id, file_name=name, mime_type=kind)}


def input_media(params: Params) -> Params:
    """Return the JSON object of a picture or a file. Raises the refusals for any other."""
    raw = params.get("media")
    if not raw:
        raise refuse("no_media")
    try:
        found = json.loads(str(raw)) if isinstance(raw, str) else raw
    except ValueError:
        raise refuse("media_json") from None
    if not isinstance(found, dict):
        raise refuse("media_object")
    if found.get("type") not in MOST_SIZES:
        raise refuse("media_type", type=found.get("type"))
    if not found.get("media"):
        raise refuse("media_file")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


def sent(world: World, params: Params, content: dict[str, Any]) -> Any:
    """Post a message. Raises the refusals for its chat, its keyboard and the rate limits."""
    chat = world.chat_of(params)
    content = {**content, "reply_markup": markup(params), **_thread(params, chat)}
    reply_to = _reply_to(params, chat)
    world.flood_control.visible(chat.id)
    return world.post(chat.id, world.bot, content, reply_to=reply_to)


def _edited(world: World, params: Params, content: dict[str, Any], *, media: bool = False) -> Any:
    if params.get("inline_message_id"):
        return edit_inline(world, params, content)
    chat = world.chat_of(params)
    world.flood_control.visible(chat.id)
    return world.edit(chat.id, _message_id(params), content, media=media)


def _message_id(params: Params) -> int:
    found = number(params, "message_id")
    if not found:
        raise refuse("no_message_id")
    return found


def _file(world: World, params: Params, field: str, most: int) -> str:
    given = params.get(field)
    if isinstance(given, str) and given.startswith("attach://"):
        given = params.get(given.removeprefix("attach://"))
    if isinstance(given, Upload):
        return _kept(world, given, most)
    if not given:
        raise refuse(f"no_{field}")
    if given not in world.files:
        raise refuse("wrong_file")
    return str(given)


def _kept(world: World, given: Upload, most: int) -> str:
    if not given.data:
        raise refuse("empty_file")
    if len(given.data) > most:
        raise refuse("big_photo", size=len(given.data)) if most == MOST_PHOTO_BYTES else refuse("too_large")
    kind = next((kind for magic, kind in PICTURES.items() if given.data.startswith(magic)), given.kind)
    return world.keep_file(given.name, kind, given.data)


def _about(world: World, file_id: str, **more: Any) -> dict[str, Any]:
    size = len(world.files[file_id][2])
    return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": size, **more}


def _thread(params: Params, chat: Chat) -> dict[str, Any]:
    """Return the thread of a message, in a channel's direct messages the topic, which is then required.

    Raises the refusal for a thread that was deleted or never existed.
    """
    if chat.more.get("is_direct_messages"):
        if not (topic := number(params, "direct_messages_topic_id")):
            raise refuse("no_topic")
        return {"direct_messages_topic": {"topic_id": topic}}
    thread = number(params, "message_thread_id")
    if thread and thread not in chat.threads:
        raise refuse("no_thread")
    return {"message_thread_id": thread, "is_topic_message": True} if thread else {}


def _reply_to(params: Params, chat: Chat) -> int | None:
    wanted = decoded(params, "reply_parameters", dict) or params
    found = number(wanted, "message_id") if wanted is not params else number(params, "reply_to_message_id")
    if not found:
        return None
    if found in chat.messages:
        return found
    if not is_true(wanted.get("allow_sending_without_reply")):
        raise refuse("no_reply")
    return None
