"""Chats that the bot is not in: guest mode and inline results, whose messages the bot can only edit by an inline id."""

import json
import time
from typing import Any

from sandbox.telegram.params import Params, decoded, markup, required
from sandbox.telegram.refusals import refuse
from sandbox.telegram.text import MOST_TEXT, units
from sandbox.telegram.world import World

MOST_RESULTS, MOST_ID_BYTES = 50, 64
QUERY_SECONDS = 150.0
FOREIGN_CHAT = {"id": -100777000111, "type": "supergroup", "title": "Elsewhere"}


def call_as_guest(world: World, user_id: int, text: str) -> str:
    """Mention the bot in a chat that it is not in. Return the id of the guest query."""
    query = _begun(world, "guest", user_id)
    message = {
        "message_id": 1,
        "date": int(time.time()),
        "chat": FOREIGN_CHAT,
        "from": world.users[user_id],
        "text": text,
    }
    world.updates.push("guest_message", {**message, "guest_query_id": query})
    return query


def type_inline(world: World, user_id: int, text: str) -> str:
    """Type `@bot text` in a chat. Return the id of the inline query."""
    query = _begun(world, "inline", user_id)
    update = {"id": query, "from": world.users[user_id], "query": text, "offset": ""}
    world.updates.push("inline_query", update)
    return query


def choose(world: World, query: str, text: str) -> str:
    """Choose the first result of an inline query. Return the inline id of its message."""
    asked = world.outside_queries[query]
    result = asked["results"][0]
    name = _posted(world, result) if result.get("reply_markup") else ""
    chosen = {"result_id": result["id"], "from": world.users[asked["user_id"]], "query": text}
    world.updates.push("chosen_inline_result", {**chosen, **({"inline_message_id": name} if name else {})})
    return name


async def answer_guest_query(world: World, params: Params) -> Any:
    """Post the one answer to a guest query."""
    query = _open(world, required(params, "guest_query_id"), "guest")
    result = _checked(decoded(params, "result", dict))
    query["results"] = [result]
    return {"inline_message_id": _posted(world, result)}


async def answer_inline_query(world: World, params: Params) -> Any:
    query = _open(world, required(params, "inline_query_id"), "inline")
    results = [_checked(each) for each in decoded(params, "results", list)]
    if len(results) > MOST_RESULTS:
        raise refuse("results_many")
    if len({each["id"] for each in results}) < len(results):
        raise refuse("result_id")
    query["results"] = results
    return True


def edit_inline(world: World, params: Params, content: dict[str, Any]) -> bool:
    """Edit a message by its inline id."""
    message = world.outside.get(str(params["inline_message_id"]))
    if message is None:
        raise refuse("inline_message")
    wanted = {name: value for name, value in content.items() if value}
    if all(message.get(name) == value for name, value in wanted.items()):
        raise refuse("not_modified")
    message.update(wanted)
    world.publish("outside", 0)
    return True


def _begun(world: World, kind: str, user_id: int) -> str:
    name = world.name(kind)
    world.outside_queries[name] = {"kind": kind, "user_id": user_id, "at": world.now(), "results": None}
    return name


def _open(world: World, name: str, kind: str) -> dict[str, Any]:
    query = world.outside_queries.get(name)
    is_old = query is not None and world.now() - query["at"] > QUERY_SECONDS
    if query is None or query["kind"] != kind or is_old or query["results"] is not None:
        raise refuse("old_query")
    return query


def _checked(result: Any) -> dict[str, Any]:
    """Return an article. Raises the refusals for a result without an id, a title or a text."""
    if not isinstance(result, dict) or result.get("type") != "article":
        raise refuse("result_type")
    if not 0 < len(str(result.get("id") or "").encode()) <= MOST_ID_BYTES:
        raise refuse("result_id")
    content = result.get("input_message_content")
    text = str(content.get("message_text") or "") if isinstance(content, dict) else ""
    if not result.get("title"):
        raise refuse("result_title")
    if not text.strip():
        raise refuse("empty")
    if units(text) > MOST_TEXT:
        raise refuse("too_long")
    if result.get("reply_markup"):
        markup({"reply_markup": json.dumps(result["reply_markup"])})
    return result


def _posted(world: World, result: dict[str, Any]) -> str:
    name = world.name("inline")
    text = result["input_message_content"]["message_text"]
    world.outside[name] = {"text": text, "reply_markup": result.get("reply_markup")}
    return name
