"""The Bot API over HTTP, as any bot would call it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from sandbox.app import Sandbox
from sandbox.telegram import stars
from sandbox.telegram.refusals import TABLE
from sandbox.telegram.world import DRAFT_SECONDS, GROUP_ID, World

ANN, BAO, OLGA = 1001, 1002, 9001
STARS = {"title": "Top-up", "description": "5 USD", "payload": "order 1", "currency": "XTR"}


@dataclass(slots=True)
class Clock:
    """Telegram's patience, drafts and queries go by it."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass(slots=True)
class Bot:
    """A client with nothing in between. `call` is the result; `refused` the description of what is not done."""

    sandbox: Sandbox
    clock: Clock
    http: httpx.AsyncClient
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.sandbox.world

    async def raw(self, method: str, **params: Any) -> dict[str, Any]:
        answer = await self.http.post(f"{self.sandbox.telegram_url}/bot{self.sandbox.token}/{method}", json=params)
        body: dict[str, Any] = answer.json()
        assert body["ok"] is (answer.status_code == 200)
        assert body["ok"] or body["error_code"] == answer.status_code
        return body

    async def call(self, method: str, **params: Any) -> Any:
        body = await self.raw(method, **params)
        assert body["ok"], body
        return body["result"]

    async def refused(self, method: str, **params: Any) -> str:
        body = await self.raw(method, **params)
        assert not body["ok"], body
        return str(body["description"])

    async def updates(self, offset: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.call("getUpdates", offset=offset)
        return found


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    clock = Clock()
    async with Sandbox(monotonic=clock) as sandbox, httpx.AsyncClient(trust_env=False, timeout=60) as http:
        yield Bot(sandbox, clock, http)


# --- calls --------------------------------------------------------------------------------------------


async def test_get_me_says_who_and_what_it_may(bot: Bot) -> None:
    me = await bot.call("getMe")
    assert me["is_bot"]
    assert me["can_read_all_group_messages"] is False


async def test_methods_are_found_in_any_case_and_by_get(bot: Bot) -> None:
    base = f"{bot.sandbox.telegram_url}/bot{bot.sandbox.token}"
    assert (await bot.http.get(f"{base}/getme")).json()["ok"]
    sent = await bot.http.get(f"{base}/SENDMESSAGE", params={"chat_id": ANN, "text": "hi"})
    assert sent.json()["result"]["text"] == "hi"


async def test_an_unknown_method_is_not_found(bot: Bot) -> None:
    assert await bot.raw("sendTelepathy") == {"ok": False, "error_code": 404, "description": "Not Found"}


async def test_a_wrong_token_is_unauthorized(bot: Bot) -> None:
    answer = await bot.http.post(f"{bot.sandbox.telegram_url}/bot1:x/getMe")
    assert answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


# --- updates ------------------------------------------------------------------------------------------


async def test_an_offset_confirms_everything_before_it(bot: Bot) -> None:
    for text in ("one", "two", "three"):
        bot.world.say(ANN, ANN, text)
    first = await bot.updates()
    assert [update["message"]["text"] for update in first] == ["one", "two", "three"]
    assert [u["message"]["text"] for u in await bot.updates(first[1]["update_id"])] == ["two", "three"]
    assert [u["message"]["text"] for u in await bot.updates(-1)] == ["three"]
    assert await bot.updates(first[2]["update_id"] + 1) == []


@pytest.mark.parametrize(("limit", "got"), [(7, 7), (0, 100), (1000, 100), (-3, 100)])
async def test_at_most_a_hundred_updates_come_at_once(bot: Bot, limit: int, got: int) -> None:
    for number in range(120):
        bot.world.say(ANN, ANN, f"{number}")
    assert len(await bot.call("getUpdates", limit=limit)) == got


async def test_a_long_poll_waits_for_what_comes(bot: Bot) -> None:
    polling = asyncio.create_task(bot.call("getUpdates", timeout=50))
    await _polls(bot)
    bot.world.say(ANN, ANN, "at last")
    assert (await polling)[0]["message"]["text"] == "at last"


async def test_of_two_pollers_the_first_is_ended(bot: Bot) -> None:
    first = asyncio.create_task(bot.refused("getUpdates", timeout=50))
    await _polls(bot)
    second = asyncio.create_task(bot.call("getUpdates", timeout=50))
    assert await first == TABLE["two_pollers"][1]
    bot.world.say(ANN, ANN, "hi")
    assert len(await second) == 1


async def test_only_wanted_kinds_are_kept_and_the_choice_is_remembered(bot: Bot) -> None:
    await bot.call("getUpdates", allowed_updates=["callback_query"])
    bot.world.say(ANN, ANN, "unwanted")
    assert await bot.updates() == []
    await bot.call("getUpdates", allowed_updates=[])
    bot.world.say(ANN, ANN, "wanted")
    assert len(await bot.updates()) == 1


async def test_queries_are_forgotten_after_150_seconds_messages_after_a_day(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="press", reply_markup=_keys())
    bot.world.press(ANN, ANN, message["message_id"], "go")
    bot.world.say(ANN, ANN, "hello")
    bot.clock.at += 151
    assert ["message" in update for update in await bot.updates()] == [True]
    bot.clock.at += 24 * 3600
    assert await bot.updates() == []


async def test_with_the_switch_on_each_update_comes_twice(bot: Bot) -> None:
    bot.world.updates.twice = True
    bot.world.say(ANN, ANN, "hi")
    (first,) = await bot.updates()
    (again,) = await bot.updates(first["update_id"] + 1)
    assert again == first
    assert await bot.updates(first["update_id"] + 1) == []


async def test_privacy_mode_hides_what_a_group_says_to_itself(bot: Bot) -> None:
    said = await bot.call("sendMessage", chat_id=GROUP_ID, text="I am here")
    bot.world.say(GROUP_ID, ANN, "nice weather")
    bot.world.say(GROUP_ID, ANN, "/ask who")
    bot.world.say(GROUP_ID, BAO, "and why?", reply_to=said["message_id"])
    texts = [update["message"]["text"] for update in await bot.updates()]
    assert texts == ["/ask who", "and why?"]


async def test_blocking_tells_the_bot_and_shuts_it_out(bot: Bot) -> None:
    bot.world.block(ANN)
    (update,) = await bot.updates()
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    body = await bot.raw("sendMessage", chat_id=ANN, text="hi")
    assert (body["error_code"], body["description"]) == (403, "Forbidden: bot was blocked by the user")
    bot.world.unblock(ANN)
    await bot.call("sendMessage", chat_id=ANN, text="welcome back")


# --- webhooks -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Receiver:
    """A webhook's other side; `statuses` are answered in turn, then 200. `gate` holds messages back."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length:")[2].partition("\r\n")[0])
        update = json.loads(await reader.readexactly(size))
        secret = head.partition("x-telegram-bot-api-secret-token:")[2].partition("\r\n")[0].strip()
        self.got.append((secret, update))
        self.came.set()
        if "message" in update:
            await self.gate.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.got) < count:
                self.came.clear()
                await self.came.wait()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    made = Receiver()
    made.gate.set()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    async with server:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/telegram"
        made.gate.set()


async def test_a_webhook_gets_what_waited_with_its_secret(bot: Bot, receiver: tuple[Receiver, str]) -> None:
    side, url = receiver
    bot.world.say(ANN, ANN, "before")
    await bot.call("setWebhook", url=url, secret_token="s3cret", max_connections=3)
    bot.world.say(ANN, ANN, "after")
    await side.until(2)
    assert [(secret, update["message"]["text"]) for secret, update in side.got] == [
        ("s3cret", "before"),
        ("s3cret", "after"),
    ]
    info = await bot.call("getWebhookInfo")
    assert (info["url"], info["max_connections"]) == (url, 3)


async def test_a_webhook_is_tried_again_in_order(bot: Bot, receiver: tuple[Receiver, str]) -> None:
    side, url = receiver
    bot.world.updates.first_retry_seconds = 0.001
    side.statuses = [500, 502]
    await bot.call("setWebhook", url=url)
    for text in ("one", "two"):
        bot.world.say(ANN, ANN, text)
    await side.until(4)
    assert [update["message"]["text"] for _, update in side.got] == ["one", "one", "one", "two"]
    assert (await bot.call("getWebhookInfo"))["last_error_message"] == "Wrong response from the webhook: 502 X"


async def test_a_webhooks_buttons_and_other_chats_pass_a_stuck_message(
    bot: Bot, receiver: tuple[Receiver, str]
) -> None:
    side, url = receiver
    side.gate.clear()
    message = await bot.call("sendMessage", chat_id=ANN, text="press", reply_markup=_keys())
    await bot.call("setWebhook", url=url)
    bot.world.say(ANN, ANN, "stuck")
    bot.world.say(ANN, ANN, "behind it")
    bot.world.say(BAO, BAO, "elsewhere")
    bot.world.press(ANN, ANN, message["message_id"], "go")
    await side.until(3)
    kinds = {
        update["message"]["text"] if "message" in update else update["callback_query"]["data"] for _, update in side.got
    }
    assert kinds == {"stuck", "elsewhere", "go"}
    assert (await bot.call("getWebhookInfo"))["pending_update_count"] >= 3


async def test_polling_and_a_webhook_exclude_each_other(bot: Bot, receiver: tuple[Receiver, str]) -> None:
    side, url = receiver
    side.gate.clear()
    polling = asyncio.create_task(bot.refused("getUpdates", timeout=50))
    await _polls(bot)
    await bot.call("setWebhook", url=url)
    assert await polling == "Conflict: terminated by setWebhook request"
    assert (await bot.refused("getUpdates")).startswith("Conflict: can't use getUpdates method while webhook is active")
    bot.world.say(ANN, ANN, "not yet taken")
    await side.until(1)
    await bot.call("deleteWebhook")
    assert [update["message"]["text"] for update in await bot.updates()] == ["not yet taken"]


async def test_pending_updates_are_dropped_only_when_asked(bot: Bot) -> None:
    bot.world.say(ANN, ANN, "hi")
    await bot.call("deleteWebhook")
    assert len(await bot.updates()) == 1
    await bot.call("deleteWebhook", drop_pending_updates=True)
    assert await bot.updates() == []


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"url": "http://example.org/x"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        (
            {"url": "https://example.org:8080/x"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
        ({"url": "https://example.org/x", "secret_token": "a b"}, "secret token contains unallowed characters"),
        ({"url": "https://example.org/x", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
async def test_a_webhook_that_can_not_be_is_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    assert await bot.refused("setWebhook", **params) == f"Bad Request: {why}"


# --- messages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n "}, "message text is empty"),
        ({"text": "a" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"chat_id": 7, "text": "a"}, "chat not found"),
        ({"chat_id": "", "text": "a"}, "chat_id is empty"),
        ({"text": "a", "reply_parameters": {"message_id": 999}}, "message to be replied not found"),
        ({"text": "a", "entities": "nonsense"}, "can't parse entities JSON object"),
        (
            {"text": "<b>a", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            {"text": "ü <x>a</x>", "parse_mode": "HTML"},
            'can\'t parse entities: Unsupported start tag "x" at byte offset 3',
        ),
        ({"text": "a</b>", "parse_mode": "HTML"}, "can't parse entities: Unexpected end tag at byte offset 1"),
        ({"text": "a", "parse_mode": "Bold"}, "unsupported parse_mode"),
    ],
)
async def test_a_message_that_can_not_be_is_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    assert await bot.refused("sendMessage", **{"chat_id": ANN, **params}) == f"Bad Request: {why}"
    assert bot.world.messages(ANN) == []


async def test_4096_utf16_units_are_a_message(bot: Bot) -> None:
    assert len((await bot.call("sendMessage", chat_id=ANN, text="😀" * 2048))["text"]) == 2048


@pytest.mark.parametrize(
    ("entity", "why"),
    [
        ({"offset": -1, "length": 1}, "receive an entity with incorrect offset -1"),
        ({"offset": 0, "length": -1}, "receive an entity with incorrect length -1"),
        ({"offset": 9, "length": 1}, "entity begins after the end of the text at UTF-16 offset 9"),
        (
            {"offset": 3, "length": 6},
            "entity beginning at UTF-16 offset 3 ends after the end of the text at UTF-16 offset 9",
        ),
        ({"offset": 0, "length": 1, "type": "loud"}, "can't parse MessageEntity: unsupported type specified"),
        ({"offset": 0, "length": 1, "type": "text_link"}, "entity URL '' is invalid: URL host is empty"),
    ],
)
async def test_an_entity_out_of_bounds_is_refused(bot: Bot, entity: dict[str, Any], why: str) -> None:
    entities = [{"type": "bold", **entity}]
    assert await bot.refused("sendMessage", chat_id=ANN, text="aba caba", entities=entities) == f"Bad Request: {why}"


async def test_an_entity_may_not_split_an_emoji(bot: Bot) -> None:
    entities = [{"type": "bold", "offset": 1, "length": 1}]
    why = await bot.refused("sendMessage", chat_id=ANN, text="😀a", entities=entities)
    assert why.startswith("Bad Request: entity begins in a middle of a UTF-16 symbol")


async def test_of_more_than_a_hundred_entities_the_rest_are_left_out_silently(bot: Bot) -> None:
    entities = [{"type": "bold", "offset": 2 * n, "length": 1} for n in range(120)]
    message = await bot.call("sendMessage", chat_id=ANN, text="a " * 120 + ".", entities=entities)
    assert message["entities"] == entities[:100]


async def test_white_space_at_the_ends_goes_and_entities_move_along(bot: Bot) -> None:
    entities = [{"type": "bold", "offset": 2, "length": 4}]
    message = await bot.call("sendMessage", chat_id=ANN, text="\n ab \n ", entities=entities)
    assert (message["text"], message["entities"]) == ("ab", [{"type": "bold", "offset": 0, "length": 2}])


async def test_links_commands_and_names_are_found_outside_code(bot: Bot) -> None:
    code = {"type": "code", "offset": 0, "length": 6}
    message = await bot.call("sendMessage", chat_id=ANN, text="/plan1 /plan see https://a.example/b.", entities=[code])
    assert message["entities"] == [
        code,
        {"type": "bot_command", "offset": 7, "length": 5},
        {"type": "url", "offset": 17, "length": 19},
    ]


async def test_html_becomes_entities(bot: Bot) -> None:
    text = '<b>b<i>i</i></b> &lt;3 <a href="https://e.example">x</a><pre><code class="language-py">1</code></pre>'
    message = await bot.call("sendMessage", chat_id=ANN, text=text, parse_mode="HTML")
    assert message["text"] == "bi <3 x1"
    assert [(e["type"], e["offset"], e["length"]) for e in message["entities"]] == [
        ("bold", 0, 2),
        ("italic", 1, 1),
        ("text_link", 6, 1),
        ("pre", 7, 1),
    ]
    assert message["entities"][3]["language"] == "py"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ({"text": "a", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "callback_data": "ü" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "url": "not a link"}, "BUTTON_URL_INVALID"),
        ({"text": "a"}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"callback_data": "a"}, "can't parse inline keyboard button: Can't find field \"text\""),
    ],
)
async def test_a_button_that_can_not_be_is_refused(bot: Bot, key: dict[str, Any], why: str) -> None:
    markup = {"inline_keyboard": [[key]]}
    assert await bot.refused("sendMessage", chat_id=ANN, text="a", reply_markup=markup) == f"Bad Request: {why}"


async def test_a_missing_reply_may_be_allowed(bot: Bot) -> None:
    params = {"message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await bot.call("sendMessage", chat_id=ANN, text="a", reply_parameters=params)


async def test_an_edit_changes_text_and_takes_the_keyboard_away(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a", reply_markup=_keys())
    edited = await bot.call("editMessageText", chat_id=ANN, message_id=message["message_id"], text="b")
    assert edited["text"] == "b"
    assert "reply_markup" not in edited


async def test_an_edit_that_can_not_be_is_refused(bot: Bot) -> None:
    mine = (await bot.call("sendMessage", chat_id=ANN, text="a"))["message_id"]
    theirs = bot.world.say(ANN, ANN, "hers")["message_id"]
    picture = (await _upload(bot, "sendPhoto", "photo", b"\x89PNG")).json()["result"]["message_id"]
    for number, text, why in (
        (mine, "a", TABLE["not_modified"][1]),
        (mine, "a \n", TABLE["not_modified"][1]),
        (999, "b", "Bad Request: message to edit not found"),
        (0, "b", "Bad Request: message identifier is not specified"),
        (theirs, "b", "Bad Request: message can't be edited"),
        (picture, "b", "Bad Request: there is no text in the message to edit"),
        (mine, "b" * 4097, "Bad Request: MESSAGE_TOO_LONG"),
        (mine, "", "Bad Request: message text is empty"),
    ):
        assert await bot.refused("editMessageText", chat_id=ANN, message_id=number, text=text) == why


async def test_a_keyboard_is_edited_alone_and_a_caption_too(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a")
    params = {"chat_id": ANN, "message_id": message["message_id"]}
    assert (await bot.call("editMessageReplyMarkup", **params, reply_markup=_keys()))["reply_markup"] == _keys()
    assert await bot.refused("editMessageReplyMarkup", **params, reply_markup=_keys()) == TABLE["not_modified"][1]
    assert await bot.refused("editMessageCaption", **params, caption="b") == TABLE["no_caption"][1]


async def test_a_message_is_deleted_once_and_others_words_in_a_group_never(bot: Bot) -> None:
    number = (await bot.call("sendMessage", chat_id=ANN, text="a"))["message_id"]
    assert await bot.call("deleteMessage", chat_id=ANN, message_id=number) is True
    assert await bot.refused("deleteMessage", chat_id=ANN, message_id=number) == TABLE["no_delete"][1]
    theirs = bot.world.say(GROUP_ID, ANN, "mine")["message_id"]
    assert await bot.refused("deleteMessage", chat_id=GROUP_ID, message_id=theirs) == TABLE["cant_delete"][1]


async def test_chat_actions_have_names(bot: Bot) -> None:
    assert await bot.call("sendChatAction", chat_id=ANN, action="typing") is True
    why = await bot.refused("sendChatAction", chat_id=ANN, action="yawning")
    assert why == "Bad Request: wrong parameter action in request"


# --- drafts -------------------------------------------------------------------------------------------


async def test_a_draft_lives_30_seconds_after_its_last_frame(bot: Bot) -> None:
    assert await bot.call("sendMessageDraft", chat_id=ANN, draft_id=5, text="") is True
    bot.clock.at += DRAFT_SECONDS - 1
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=5, text="Once")
    bot.clock.at += DRAFT_SECONDS - 1
    await bot.call("getMe")
    assert bot.world.chats[ANN].drafts[5]["text"] == "Once"
    bot.clock.at += 1
    await bot.call("getMe")
    assert bot.world.chats[ANN].drafts == {}


async def test_another_draft_or_a_message_replaces_a_draft(bot: Bot) -> None:
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=5, text="one")
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=6, text="two")
    assert list(bot.world.chats[ANN].drafts) == [6]
    await bot.call("sendMessage", chat_id=ANN, text="two, whole")
    assert bot.world.chats[ANN].drafts == {}


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"chat_id": GROUP_ID}, "TEXTDRAFT_PEER_INVALID"),
        ({"draft_id": 0}, "DRAFT_ID_INVALID"),
        ({"text": "a" * 4097}, "message is too long"),
        (
            {"entities": [{"type": "bold", "offset": 0, "length": 99}]},
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 99",
        ),
    ],
)
async def test_a_draft_that_can_not_be_is_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    fields = {"chat_id": ANN, "draft_id": 1, "text": "a", **params}
    assert await bot.refused("sendMessageDraft", **fields) == f"Bad Request: {why}"


@pytest.mark.parametrize("keep", [True, False])
async def test_stop_tells_the_bot_with_the_drafts_id_as_a_string(bot: Bot, keep: bool) -> None:
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=77, text="Once", can_stop=True, keep_on_stop=keep)
    bot.world.stop_draft(ANN, 77)
    (update,) = await bot.updates()
    assert update["stopped_message_generation"]["draft_id"] == "77"
    assert update["stopped_message_generation"]["chat"]["id"] == ANN
    assert (77 in bot.world.chats[ANN].drafts) is keep


async def test_a_draft_without_a_stop_button_can_not_be_stopped(bot: Bot) -> None:
    await bot.call("sendMessageDraft", chat_id=ANN, draft_id=77, text="Once")
    with pytest.raises(KeyError):
        bot.world.stop_draft(ANN, 77)


# --- files --------------------------------------------------------------------------------------------


async def test_a_document_is_sent_and_downloaded_again(bot: Bot) -> None:
    answer = await _upload(bot, "sendDocument", "document", b"a,b\n1,2\n", name="usage.csv", caption="Your usage")
    message = answer.json()["result"]
    assert (message["document"]["file_name"], message["caption"]) == ("usage.csv", "Your usage")
    found = await bot.call("getFile", file_id=message["document"]["file_id"])
    assert found["file_size"] == 8
    assert found["file_path"].endswith(".csv")
    url = f"{bot.sandbox.telegram_url}/file/bot{bot.sandbox.token}/{found['file_path']}"
    assert (await bot.http.get(url)).content == b"a,b\n1,2\n"


async def test_what_a_person_uploads_is_there_for_the_bot(bot: Bot) -> None:
    form = {"chat_id": str(ANN), "user_id": str(ANN), "caption": "listen"}
    files = {"file": ("voice.ogg", b"OggS...", "audio/ogg")}
    assert (await bot.http.post(f"{bot.sandbox.url}/api/upload", data=form, files=files)).status_code == 200
    (update,) = await bot.updates()
    voice = update["message"]["voice"]
    path = (await bot.call("getFile", file_id=voice["file_id"]))["file_path"]
    answer = await bot.http.get(f"{bot.sandbox.telegram_url}/file/bot{bot.sandbox.token}/{path}")
    assert answer.content == b"OggS..."


async def test_files_that_can_not_be_are_refused(bot: Bot) -> None:
    assert await bot.refused("getFile", file_id="nothing") == "Bad Request: invalid file_id"
    assert await bot.refused("sendPhoto", chat_id=ANN) == "Bad Request: there is no photo in the request"
    why = await bot.refused("sendDocument", chat_id=ANN, document="nothing")
    assert why == "Bad Request: wrong file identifier/HTTP URL specified"
    big = bot.world.keep_file("big.bin", "application/octet-stream", bytes(20 * 1024 * 1024 + 1))
    assert await bot.refused("getFile", file_id=big) == "Bad Request: file is too big"
    long = await _upload(bot, "sendPhoto", "photo", b"\x89PNG", caption="c" * 1025)
    assert long.json()["description"] == "Bad Request: message caption is too long"
    huge = await _upload(bot, "sendPhoto", "photo", bytes(10 * 1024 * 1024 + 1))
    assert "is too big for a photo" in huge.json()["description"]


# --- flooding -----------------------------------------------------------------------------------------


async def test_flooding_a_chat_is_answered_429_and_calls_inside_the_ban_prolong_it(bot: Bot) -> None:
    bodies = [await bot.raw("sendMessage", chat_id=ANN, text=f"{n}") for n in range(9)]
    assert [body["ok"] for body in bodies] == [True] * 8 + [False]
    first = bodies[-1]["parameters"]["retry_after"]
    assert bodies[-1]["description"] == f"Too Many Requests: retry after {first}"
    again = await bot.raw("sendMessage", chat_id=ANN, text="again")
    assert again["parameters"]["retry_after"] > first
    await bot.call("sendMessage", chat_id=BAO, text="others are served")
    bot.clock.at += again["parameters"]["retry_after"]
    await bot.call("sendMessage", chat_id=ANN, text="calm again")


async def test_drafts_and_actions_share_a_budget_of_20_in_5_seconds(bot: Bot) -> None:
    for n in range(19):
        await bot.call("sendMessageDraft", chat_id=ANN, draft_id=1, text=f"{n}")
    await bot.call("sendChatAction", chat_id=ANN, action="typing")
    assert (await bot.raw("sendMessageDraft", chat_id=ANN, draft_id=1, text="x"))["error_code"] == 429


async def test_a_group_takes_20_a_minute_actions_included(bot: Bot) -> None:
    for n in range(19):
        bot.clock.at += 1
        await bot.call("sendMessage", chat_id=GROUP_ID, text=f"{n}")
    await bot.call("sendChatAction", chat_id=GROUP_ID, action="typing")
    assert (await bot.raw("sendMessage", chat_id=GROUP_ID, text="x"))["error_code"] == 429


# --- buttons ------------------------------------------------------------------------------------------


async def test_a_callback_is_answered_once_within_150_seconds(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="a", reply_markup=_keys())
    name = bot.world.press(ANN, ANN, message["message_id"], "go")
    (update,) = await bot.updates()
    assert update["callback_query"]["data"] == "go"
    assert await bot.refused("answerCallbackQuery", callback_query_id=name, text="x" * 201) == TABLE["edit_too_long"][1]
    assert await bot.call("answerCallbackQuery", callback_query_id=name, text="x" * 200) is True
    assert await bot.refused("answerCallbackQuery", callback_query_id=name) == TABLE["old_query"][1]
    late = bot.world.press(ANN, ANN, message["message_id"], "go")
    bot.clock.at += 151
    assert await bot.refused("answerCallbackQuery", callback_query_id=late) == TABLE["old_query"][1]


# --- commands -----------------------------------------------------------------------------------------


async def test_the_narrowest_menu_wins_and_then_the_language(bot: Bot) -> None:
    def said(name: str) -> list[dict[str, str]]:
        return [{"command": "start", "description": name}]

    await bot.call("setMyCommands", commands=said("default"))
    await bot.call("setMyCommands", commands=said("mặc định"), language_code="vi")
    await bot.call("setMyCommands", commands=said("group"), scope={"type": "all_group_chats"})
    await bot.call("setMyCommands", commands=said("operator"), scope={"type": "chat", "chat_id": OLGA})
    shown = (await bot.http.get(f"{bot.sandbox.url}/api/state")).json()["commands"]
    assert shown[str(ANN)][str(ANN)] == said("default")
    assert shown[str(BAO)][str(BAO)] == said("mặc định")
    assert shown[str(OLGA)][str(OLGA)] == said("operator")
    assert shown[str(ANN)][str(GROUP_ID)] == said("group")
    assert await bot.call("getMyCommands", language_code="vi") == said("mặc định")
    assert await bot.call("deleteMyCommands", language_code="vi") is True
    assert await bot.call("getMyCommands", language_code="vi") == []


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"commands": [{"command": "Start", "description": "d"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "a" * 33, "description": "d"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "a", "description": ""}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": "a", "description": "d" * 257}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{"command": f"c{n}", "description": "d"} for n in range(101)]}, "BOT_COMMANDS_TOO_MUCH"),
        ({"commands": [], "language_code": "english"}, "invalid language code specified"),
        ({"commands": [], "scope": {"type": "chat", "chat_id": 7}}, "chat not found"),
        ({"commands": [], "scope": {"type": "moon"}}, "can't parse BotCommandScope: unsupported type specified"),
    ],
)
async def test_commands_that_can_not_be_are_refused(bot: Bot, params: dict[str, Any], why: str) -> None:
    assert await bot.refused("setMyCommands", **params) == f"Bad Request: {why}"


# --- Stars --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"prices": [{"label": "a", "amount": 1}] * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": []}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 1}], "provider_token": "x"}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "a", "amount": 1.5}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"currency": "USD"}, "CURRENCY_INVALID"),
        ({"title": "t" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": "d" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ({"payload": "p" * 129}, "INVOICE_PAYLOAD_INVALID"),
        ({"title": ""}, "title is required"),
    ],
)
@pytest.mark.parametrize("method", ["sendInvoice", "createInvoiceLink"])
async def test_an_invoice_that_can_not_be_is_refused(bot: Bot, method: str, params: dict[str, Any], why: str) -> None:
    fields = {"chat_id": ANN, **STARS, "prices": [{"label": "a", "amount": 5}], **params}
    assert await bot.refused(method, **fields) == f"Bad Request: {why}"


@pytest.mark.parametrize(
    ("period", "amount", "why"),
    [
        (2_592_001, 5, "SUBSCRIPTION_PERIOD_INVALID"),
        (60, 5, "SUBSCRIPTION_PERIOD_INVALID"),
        (2_592_000, 10_001, "CURRENCY_TOTAL_AMOUNT_INVALID"),
    ],
)
async def test_a_subscription_is_a_month_and_at_most_10000_stars(bot: Bot, period: int, amount: int, why: str) -> None:
    fields = {**STARS, "prices": [{"label": "a", "amount": amount}], "subscription_period": period}
    assert await bot.refused("createInvoiceLink", **fields) == f"Bad Request: {why}"


async def test_an_invoice_is_paid_through_pre_checkout(bot: Bot) -> None:
    paying = asyncio.create_task(stars.pay(bot.world, ANN, ANN, await _invoice(bot)))
    checkout = (await bot.call("getUpdates", timeout=50))[0]["pre_checkout_query"]
    assert (checkout["currency"], checkout["total_amount"], checkout["invoice_payload"]) == ("XTR", 5, "order 1")
    assert await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=checkout["id"], ok=True) is True
    charge_id = (await paying)["charge_id"]
    paid = (await bot.updates())[-1]["message"]["successful_payment"]
    assert paid["telegram_payment_charge_id"] == charge_id
    assert "is_recurring" not in paid


async def test_a_refused_or_unanswered_checkout_is_no_payment(bot: Bot) -> None:
    offered = await _invoice(bot)
    paying = asyncio.create_task(stars.pay(bot.world, ANN, ANN, offered))
    name = (await bot.call("getUpdates", timeout=50))[0]["pre_checkout_query"]["id"]
    assert await bot.refused("answerPreCheckoutQuery", pre_checkout_query_id=name, ok=False) == (
        "Bad Request: error_message is required"
    )
    await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=name, ok=False, error_message="Sold out.")
    assert await paying == {"ok": False, "error": "Sold out."}
    bot.world.precheckout_seconds = 0.01
    assert await stars.pay(bot.world, ANN, ANN, offered) == {
        "ok": False,
        "error": "The bot did not answer in 10 seconds.",
    }
    why = await bot.refused("answerPreCheckoutQuery", pre_checkout_query_id=name, ok=True)
    assert why == TABLE["old_query"][1]
    assert bot.world.payments == {}


async def test_a_charge_is_refunded_once_by_its_payer(bot: Bot) -> None:
    charge_id = stars.paid(bot.world, ANN, ANN, await _invoice(bot))
    params = {"telegram_payment_charge_id": charge_id}
    assert await bot.refused("refundStarPayment", user_id=BAO, **params) == "Bad Request: CHARGE_NOT_FOUND"
    assert await bot.call("refundStarPayment", user_id=ANN, **params) is True
    assert await bot.refused("refundStarPayment", user_id=ANN, **params) == "Bad Request: CHARGE_ALREADY_REFUNDED"
    assert (await bot.updates())[-1]["message"]["refunded_payment"]["telegram_payment_charge_id"] == charge_id


async def test_transactions_come_oldest_first_and_a_refund_at_its_own_time(bot: Bot) -> None:
    offered = await _invoice(bot)
    charges = [stars.paid(bot.world, ANN, ANN, offered) for _ in range(104)]
    stars.refund(bot.world, ANN, charges[0])
    rows = (await bot.call("getStarTransactions", limit=1000))["transactions"]
    assert [row["id"] for row in rows] == charges[:100]
    rest = (await bot.call("getStarTransactions", offset=100, limit=100))["transactions"]
    assert [row["id"] for row in rest] == [*charges[100:], charges[0]]
    assert "receiver" in rest[-1]
    assert "source" in rest[0]
    assert await bot.call("getMyStarBalance") == {"amount": 103 * 5}


async def test_a_subscription_renews_until_it_is_ended(bot: Bot) -> None:
    link = await bot.call(
        "createInvoiceLink", **STARS, prices=[{"label": "a", "amount": 5}], subscription_period=2_592_000
    )
    offered = bot.world.links[link.removeprefix("https://t.me/$")]
    first = stars.paid(bot.world, ANN, ANN, offered)
    second = stars.renew(bot.world, first)
    payments = [update["message"]["successful_payment"] for update in await bot.updates()]
    assert [payment.get("is_first_recurring", False) for payment in payments] == [True, False]
    assert all(payment["is_recurring"] and payment["invoice_payload"] == "order 1" for payment in payments)
    params = {"user_id": ANN, "telegram_payment_charge_id": second}
    assert await bot.call("editUserStarSubscription", **params, is_canceled=True) is True
    assert bot.world.payments[second]["canceled"]
    why = await bot.refused("editUserStarSubscription", **{**params, "user_id": BAO}, is_canceled=True)
    assert why == "Bad Request: CHARGE_NOT_FOUND"
    stars.cancel(bot.world, first)
    assert (await bot.updates())[-1]["subscription"]["state"] == "canceled"


# --- what the tests have in common ---------------------------------------------------------------------


def _keys() -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}


async def _polls(bot: Bot) -> None:
    """Until a poller waits."""
    async with asyncio.timeout(60):
        while bot.world.updates._poller is None or bot.world.updates._poller.done():
            await asyncio.sleep(0)


async def _upload(
    bot: Bot, method: str, name_of_field: str, data: bytes, *, name: str = "file.png", **more: str
) -> Any:
    url = f"{bot.sandbox.telegram_url}/bot{bot.sandbox.token}/{method}"
    return await bot.http.post(url, data={"chat_id": str(ANN), **more}, files={name_of_field: (name, data)})


async def _invoice(bot: Bot) -> dict[str, Any]:
    message = await bot.call("sendInvoice", chat_id=ANN, **STARS, prices=[{"label": "a", "amount": 5}])
    return bot.world.links[f"message {ANN} {message['message_id']}"]
