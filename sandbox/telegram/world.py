"""State of the local Telegram: people, chats, messages, drafts, files. Tests act through it as people would."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.telegram.flood import FloodControl
from sandbox.telegram.members import SERVICE, membership, words_of_entities
from sandbox.telegram.params import number
from sandbox.telegram.refusals import refuse
from sandbox.telegram.text import spotted
from sandbox.telegram.updates import Updates

BOT_ID = 424242
TOKEN = f"{BOT_ID}:AAsandboxsandboxsandboxsandboxsandbox"
GROUP_ID = -100500
DRAFT_SECONDS = 30.0
PRECHECKOUT_SECONDS = 10.0
PEOPLE = (
    {"id": 1001, "is_bot": False, "first_name": "Ann", "username": "ann", "language_code": "en"},
    {"id": 1002, "is_bot": False, "first_name": "Bao", "username": "bao", "language_code": "vi"},
    {"id": 9001, "is_bot": False, "first_name": "Olga", "username": "olga", "language_code": "en"},
)
ADMIN_ID = 9001
Message = dict[str, Any]


@dataclass(slots=True)
class Chat:
    id: int
    type: str
    title: str
    members: tuple[int, ...]
    admins: tuple[int, ...] = ()
    messages: dict[int, Message] = field(default_factory=dict)
    drafts: dict[int, dict[str, Any]] = field(default_factory=dict)
    threads: set[int] = field(default_factory=set)
    more: dict[str, Any] = field(default_factory=dict)
    ephemeral: dict[int, Message] = field(default_factory=dict)
    ephemeral_commands: dict[int, tuple[int, float]] = field(default_factory=dict)
    refusal: str = ""
    """The name of the refusal of every message of the bot: `no_rights`, `kicked`, `closed_topic` and others."""


class World:
    """All state, and the actions of people. `listeners` are called after every change."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.now = monotonic
        self.bot = {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "Farthing",
            "username": "farthing_sandbox_bot",
        }
        self.users: dict[int, dict[str, Any]] = {int(str(person["id"])): dict(person) for person in PEOPLE}
        self.chats = {
            number: Chat(number, "private", str(u["first_name"]), (number,)) for number, u in self.users.items()
        }
        self.chats[GROUP_ID] = Chat(GROUP_ID, "supergroup", "Tea room", tuple(self.users), (ADMIN_ID,))
        # Ids grow. A sandbox that is started later must not use the ids of an earlier one again.
        self.updates = Updates(first_id=int(time.time()) % 1_000_000_000, now=monotonic)
        self.precheckout_seconds = PRECHECKOUT_SECONDS
        self.flood_control = FloodControl(monotonic)
        self.files: dict[str, tuple[str, str, bytes]] = {}
        self.blocked: set[int] = set()
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        self.menu_buttons: dict[int, dict[str, Any]] = {}
        self.profile: dict[tuple[str, str], str] = {}
        self.profile_changes: dict[tuple[str, str], list[float]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.queries: dict[str, dict[str, Any]] = {}
        self.checkouts: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.star_rows: list[dict[str, Any]] = []
        self.outside: dict[str, dict[str, Any]] = {}
        self.outside_queries: dict[str, dict[str, Any]] = {}
        self.links: dict[str, dict[str, Any]] = {}
        self.listeners: set[Callable[[dict[str, Any]], None]] = set()
        self._next_message = 1
        self._next_name = int(time.time())

    # --- actions of people ----------------------------------------------------------------------

    def say(self, chat_id: int, user_id: int, text: str, *, reply_to: int | None = None, **more: Any) -> Message:
        """Post a message from a person. The bot gets the update if privacy mode allows it."""
        content: dict[str, Any] = {"text": text, "entities": spotted(text), **more} if text else dict(more)
        if content.get("caption"):
            content.setdefault("caption_entities", spotted(str(content["caption"])))
        message = self.post(chat_id, self.users[user_id], content, reply_to=reply_to)
        if self._bot_sees(message):
            self.updates.push("message", dict(message))
        return message

    def press(self, chat_id: int, user_id: int, message_id: int, data: str) -> str:
        """Press a button. Return the id of the callback query."""
        name = self.name("query")
        message = self.chats[chat_id].messages[message_id]
        self.queries[name] = {"chat_id": chat_id, "user_id": user_id, "at": self.now()}
        query = {
            "id": name,
            "from": self.users[user_id],
            "message": dict(message),
            "chat_instance": "1",
            "data": data,
        }
        self.updates.push("callback_query", query)
        return name

    def stop_draft(self, chat_id: int, draft_id: int) -> None:
        """Press a draft's Stop button; it removes the draft unless `keep_on_stop`. Raises KeyError without a button."""
        chat = self.chats[chat_id]
        draft = chat.drafts[draft_id]
        if not draft["can_stop"]:
            raise KeyError(draft_id)
        if not draft["keep_on_stop"]:
            self.drop_draft(chat_id, draft_id)
        self.updates.push("stopped_message_generation", {"chat": self.shown(chat), "draft_id": str(draft_id)})

    def block(self, user_id: int) -> None:
        """Block the bot as this user, so that messages to the user are refused."""
        self.blocked.add(user_id)
        self.change_membership(user_id, user_id, "member", "kicked")

    def unblock(self, user_id: int) -> None:
        self.blocked.discard(user_id)
        self.change_membership(user_id, user_id, "kicked", "member")

    def change_membership(self, chat_id: int, user_id: int, before: str, after: str) -> None:
        """Change the bot's own membership of a chat as this user: add, promote or remove it."""
        old, new = (membership(self.bot, status) for status in (before, after))
        change = {"from": self.users[user_id], "date": int(time.time()), "chat": self.shown(self.chats[chat_id])}
        self.updates.push("my_chat_member", {**change, "old_chat_member": old, "new_chat_member": new})

    def messages(self, chat_id: int) -> list[Message]:
        return list(self.chats[chat_id].messages.values())

    async def wait_message(self, chat_id: int, wanted: Callable[[Message], bool], seconds: float = 60.0) -> Message:
        """Return the first message of the bot that satisfies `wanted`, now or later.

        Raises TimeoutError after `seconds`.
        """
        changed = asyncio.Event()

        def wake(_: dict[str, Any]) -> None:
            changed.set()

        self.listeners.add(wake)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for message in self.messages(chat_id):
                        if message["from"]["id"] == BOT_ID and wanted(message):
                            return message
                    changed.clear()
                    await changed.wait()
        finally:
            self.listeners.discard(wake)

    # --- changes --------------------------------------------------------------------------------

    def post(
        self, chat_id: int, sender: dict[str, Any], content: dict[str, Any], *, reply_to: int | None = None
    ) -> Message:
        chat = self.chats[chat_id]
        message: Message = {
            "message_id": self._next_message,
            "from": sender,
            "chat": self.shown(chat),
            "date": int(time.time()),
            **{name: value for name, value in content.items() if value not in (None, [], "")},
        }
        self._next_message += 1
        if reply_to is not None and reply_to in chat.messages:
            message["reply_to_message"] = _without_reply(chat.messages[reply_to])
        chat.messages[message["message_id"]] = message
        if sender["id"] == BOT_ID:
            for draft_id in list(chat.drafts):
                self.drop_draft(chat_id, draft_id)
        self.publish("message", chat_id, message=message)
        return message

    def draft(self, chat_id: int, draft_id: int, content: dict[str, Any]) -> None:
        chat = self.chats[chat_id]
        for other in [known for known in chat.drafts if known != draft_id]:
            self.drop_draft(chat_id, other)
        shown = {"chat_id": chat_id, "draft_id": draft_id, "dies_at": self.now() + DRAFT_SECONDS, **content}
        chat.drafts[draft_id] = shown
        self.publish("draft", chat_id, draft=shown)
        asyncio.get_running_loop().call_later(DRAFT_SECONDS, self.expire_drafts)

    def drop_draft(self, chat_id: int, draft_id: int) -> None:
        if self.chats[chat_id].drafts.pop(draft_id, None) is not None:
            self.publish("draft_gone", chat_id, draft_id=draft_id)

    def expire_drafts(self) -> None:
        """Remove drafts 30 s after their last frame."""
        for chat in self.chats.values():
            for draft_id, draft in list(chat.drafts.items()):
                if draft["dies_at"] <= self.now():
                    self.drop_draft(chat.id, draft_id)

    def edit(self, chat_id: int, message_id: int, content: dict[str, Any], *, media: bool = False) -> Message:
        """Edit a message of the bot. Raises the refusals if it does not exist or nothing would change.

        `media`: the content includes a picture or a file, which may also replace a text.
        """
        message = self.chats[chat_id].messages.get(message_id)
        if message is None:
            raise refuse("no_edit")
        if message["from"]["id"] != BOT_ID:
            raise refuse("not_mine")
        if media and message.get("invoice"):
            raise refuse("not_mine")
        if not media and "text" in content and not {"text", "rich_message"} & message.keys():
            raise refuse("no_text")
        if not media and "caption" in content and not {"photo", "document"} & message.keys():
            raise refuse("no_caption")
        names = ("text", "entities", "rich_message", "caption", "caption_entities", "reply_markup", "photo", "document")
        wanted = {name: content[name] for name in names if name in content}
        if all((message.get(name) or None) == (value or None) for name, value in wanted.items()):
            raise refuse("not_modified")
        for name, value in wanted.items():
            if value:
                message[name] = value
            else:
                message.pop(name, None)
        message["edit_date"] = int(time.time())
        self.publish("edit", chat_id, message=message)
        return message

    def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message. Raises the refusals if it does not exist, or is another's message in a group."""
        message = self.chats[chat_id].messages.get(message_id)
        if message is None:
            raise refuse("no_delete")
        if chat_id < 0 and message["from"]["id"] != BOT_ID:
            raise refuse("cant_delete")
        del self.chats[chat_id].messages[message_id]
        self.publish("delete", chat_id, message_id=message_id)

    def keep_file(self, name: str, kind: str, data: bytes) -> str:
        file_id = self.name("file")
        self.files[file_id] = (name, kind, data)
        return file_id

    def file_path(self, file_id: str) -> str:
        """Return the path of a file's download, under /file/bot{token}/."""
        return f"files/{file_id}{Path(self.files[file_id][0]).suffix}"

    def date(self) -> int:
        """Return the date of a message sent now."""
        return int(time.time())

    def name(self, kind: str) -> str:
        self._next_name += 1
        return f"{kind}{self._next_name}"

    def chat_of(self, params: dict[str, Any], *, reach: bool = True) -> Chat:
        """Return the chat of a call.

        Raises the refusals if it is unknown, or (with `reach`) its user has blocked the bot.
        """
        chat = self.chats.get(number(params, "chat_id"))
        if chat is None:
            raise refuse("no_chat")
        if reach and chat.id in self.blocked:
            raise refuse("blocked")
        if reach and chat.refusal:
            raise refuse(chat.refusal)
        return chat

    def shown(self, chat: Chat) -> dict[str, Any]:
        if chat.type != "private":
            return {"id": chat.id, "type": chat.type, "title": chat.title, **chat.more}
        user = self.users[chat.id]
        return {"id": chat.id, "type": chat.type, **{k: user[k] for k in ("first_name", "username") if k in user}}

    def publish(self, kind: str, chat_id: int, **more: Any) -> None:
        for listener in tuple(self.listeners):
            listener({"type": kind, "chat_id": chat_id, **more})

    def _bot_sees(self, message: Message) -> bool:
        """Return whether privacy mode shows the message: in groups only commands, replies to the bot, and mentions."""
        if message["chat"]["type"] == "private" or not SERVICE.isdisjoint(message):
            return True
        text = str(message.get("text") or message.get("caption") or "")
        reply = message.get("reply_to_message", {}).get("from", {}).get("id")
        return text.startswith("/") or reply == BOT_ID or any(map(self._is_bot_named, words_of_entities(message)))

    def _is_bot_named(self, word: str) -> bool:
        return word.lower().endswith(f"@{self.bot['username']}".lower())


def _without_reply(message: Message) -> Message:
    """Return the message in quoted form: without the message that it replies to."""
    return {name: value for name, value in message.items() if name != "reply_to_message"}
