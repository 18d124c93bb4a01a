"""/app: the dashboard inside Telegram and by a one-time link."""

import json
import re
from typing import Any

import pytest

from bot.commands.app import reachable
from storage.tenants import app_tokens
from storage.tenants.app_tokens import LINK, SESSION
from tests.bot.commands.conftest import ANN, OLGA, ROOM, Call, Chat

SECRET = re.compile(r"^http://127\.0\.0\.1:8080/app#([\w-]{43})$", re.MULTILINE)


@pytest.fixture(autouse=True)
def address(chat: Chat) -> None:
    chat.configure(http_url="http://127.0.0.1:8080")


async def owner(chat: Chat, secret: str, kind: str = LINK) -> int | None:
    now = chat.services.clock.now()
    return await chat.read(lambda conn: app_tokens.owner(conn, secret, kind, now))


def json_of(call: Call, name: str) -> Any:
    value = call.params[name]
    return json.loads(value) if isinstance(value, str) else value


async def test_link_opens_the_account_of_its_user(chat: Chat) -> None:
    text = await chat.say("/app")
    found = SECRET.search(text)
    assert found
    assert await owner(chat, found[1]) == (await chat.state()).id
    assert "works once, within 5 minutes" in text
    assert "machine that Farthing runs on" in text
    (call,) = await chat.send("/app")
    assert call.params["chat_id"] == ANN
    (mark,) = [each for each in json_of(call, "entities") if each["type"] == "url"]
    units = call.text.encode("utf-16-le")
    marked = units[2 * mark["offset"] : 2 * (mark["offset"] + mark["length"])].decode("utf-16-le")
    assert SECRET.fullmatch(marked)
    assert json_of(call, "link_preview_options")["is_disabled"]


async def test_link_is_never_sent_to_a_group(chat: Chat) -> None:
    calls = await chat.send("/app@farthing_bot", chat=ROOM)
    assert calls
    assert not any("#" in str(call.params) for call in calls)
    assert await chat.rows("SELECT * FROM app_tokens") == []


async def test_signing_out_ends_links_and_sessions(chat: Chat) -> None:
    found = SECRET.search(await chat.say("/app"))
    assert found
    ann, now = await chat.state(), chat.services.clock.now()
    await chat.write(lambda conn: app_tokens.begin(conn, ann.id, "open", now))
    assert "signed out everywhere" in await chat.press("Sign out everywhere")
    assert await owner(chat, found[1]) is await owner(chat, "open", SESSION) is None
    await chat.say("/app")
    await chat.write(lambda conn: app_tokens.end_all(conn, ann.id))
    assert "No browser was signed in" in await chat.press("Sign out everywhere")


async def test_button_inside_telegram_needs_https(chat: Chat) -> None:
    await chat.say("/app")
    assert "Open in Telegram" not in dict(chat.buttons())
    chat.configure(public_url="https://f.example/", http_url="https://f.example/")
    assert "https://f.example/app#" in await chat.say("/app")
    (call,) = await chat.send("/app")
    first, *_ = (key for row in json_of(call, "reply_markup")["inline_keyboard"] for key in row)
    assert first["web_app"] == {"url": "https://f.example/app"}
    assert "machine that Farthing runs on" not in str(call.params["text"])


@pytest.mark.parametrize(("links_for", "has_link"), [("everyone", {ANN, OLGA}), ("operators", {OLGA}), ("off", set())])
async def test_operator_chooses_who_gets_links(chat: Chat, links_for: str, has_link: set[int]) -> None:
    chat.configure(app_links=links_for)
    unknown = await chat.say("/nothing")
    for user in (ANN, OLGA):
        text = await chat.say("/app", user)
        assert bool(SECRET.search(text)) == (user in has_link)
        assert (text == unknown) == (user not in has_link)
    chat.configure(public_url="https://f.example")
    assert ("inside Telegram" in await chat.say("/app")) == (ANN not in has_link)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://[::]:8080", "http://127.0.0.1:8080"),
        ("http://192.168.1.5:80", "http://192.168.1.5:80"),
        ("https://f.example/", "https://f.example"),
    ],
)
def test_address_is_one_that_a_browser_can_open(url: str, shown: str) -> None:
    assert reachable(url) == shown
