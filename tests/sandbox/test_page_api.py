"""HTTP interface of the page: its state, its actions, its stream of changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from main.http.server import http_server
from sandbox.app import Sandbox
from sandbox.telegram.world import ADMIN_ID, GROUP_ID
from tests.sandbox.telegram.bot_api import ANN, BAO, STARS
from tests.served import served


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(word_seconds=0.0) as made:
        yield made


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, timeout=60) as client:
        yield client


async def state(http: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/api/state")).json()
    return found


async def test_state_has_people_chats_and_providers(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    sandbox.route_by(lambda prompt: ["openai/gpt-4o", prompt], lambda prompt: {"openai/gpt-4o": f"0.{len(prompt)}"})
    found = await state(http)
    assert [user["id"] for user in found["users"] if user["is_admin"]] == [ADMIN_ID]
    assert {chat["id"] for chat in found["chats"]} == set(sandbox.world.chats)
    assert {row["name"] for row in found["providers"]} == set(sandbox.provider_urls)
    assert (found["next"], found["costs"]) == (["openai/gpt-4o", ""], {"openai/gpt-4o": "0.0"})
    asked = (await http.get("/api/providers", params={"prompt": "hello"})).json()
    assert (asked["next"][1], asked["costs"]) == ("hello", {"openai/gpt-4o": "0.5"})
    assert set(found["commands"][str(ANN)]) == {str(ANN), str(GROUP_ID)}


async def test_sent_text_is_cut_to_a_message(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    body = {"chat_id": ANN, "user_id": ANN, "text": "a" * 5000}
    sent = (await http.post("/api/send", json=body)).json()["message"]
    assert sent["text"] == "a" * 4096
    assert sandbox.world.updates.pending == 1


@pytest.mark.parametrize(
    ("kind", "field"),
    [("image/png", "photo"), ("audio/ogg", "voice"), ("application/pdf", "document"), ("", "document")],
)
async def test_upload_becomes_the_message_of_its_kind(http: httpx.AsyncClient, kind: str, field: str) -> None:
    form = {"chat_id": str(ANN), "user_id": str(ANN), "caption": "look"}
    files = {"file": ("a.bin", b"1234", kind or "application/octet-stream")}
    message = (await http.post("/api/upload", data=form, files=files)).json()["message"]
    assert (field in message, message["caption"]) == (True, "look")
    [url] = message["sandbox"]["file_urls"].values()
    assert (await http.get(url)).content == b"1234"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("send", {"chat_id": ANN, "text": "a"}),
        ("send", {"chat_id": 7, "user_id": ANN, "text": "a"}),
        ("press", {"chat_id": ANN, "user_id": ANN, "message_id": "x", "data": ""}),
        ("stop", {"chat_id": ANN, "draft_id": 5}),
        ("refund", {"charge_id": "none"}),
        ("renew", {"charge_id": "none"}),
    ],
)
async def test_wrong_action_is_a_400_with_a_sentence(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    answer = await http.post(f"/api/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert answer.json()["error"]


async def test_invoice_that_is_gone_can_not_be_paid(http: httpx.AsyncClient) -> None:
    paid = await http.post("/api/pay", json={"chat_id": ANN, "user_id": ANN, "message_id": 99})
    assert paid.json() == {"ok": False, "error": "This invoice is gone."}
    assert (await http.get("/api/links/none")).status_code == 404


async def test_link_shows_its_invoice(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    fields = {**STARS, "prices": [{"label": "a", "amount": 5}]}
    made = await http.post(f"{sandbox.telegram_url}/bot{sandbox.token}/createInvoiceLink", json=fields)
    name = made.json()["result"].rpartition("/")[2].lstrip("$")
    known = next(iter(sandbox.world.links))
    assert name in known
    assert (await http.get(f"/api/links/{known}")).json()["title"] == "Top-up"


async def test_switch_sets_the_mode_and_refuses_unknown_ones(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    assert (await http.post("/api/providers/openai", json={"mode": "down"})).json()["mode"] == "down"
    for name, mode in (("openai", "sideways"), ("none", "down")):
        assert (await http.post(f"/api/providers/{name}", json={"mode": mode})).status_code == 400
    assert sandbox.stand_ins.provider("openai").mode == "down"


async def test_changes_are_streamed_to_the_page(sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60), http.stream("GET", "/api/events") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == ": hello"
        sandbox.world.say(ANN, ANN, "hello")
        sandbox.stand_ins.set_mode("openai", "down")
        events = []
        async for line in lines:
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
            if len(events) == 2:
                break
    assert (events[0]["type"], events[0]["message"]["text"]) == ("message", "hello")
    assert (events[1]["type"], events[1]["provider"]["mode"]) == ("provider", "down")


async def test_menu_of_each_user_is_shown_in_the_chats_of_that_user(http: httpx.AsyncClient) -> None:
    menus = (await state(http))["commands"]
    assert str(BAO) not in menus[str(ANN)]
    assert menus[str(BAO)][str(BAO)] == []


@pytest.mark.parametrize("works", [True, False])
async def test_state_of_each_provider_is_read_from_farthing(works: bool) -> None:
    async def providers(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer secret"
        return JSONResponse({"data": [{"name": "openai", "state": "open"}]} if works else {})

    app = Starlette(routes=[Route("/providers", providers)])
    async with (
        served(http_server(app, "127.0.0.1", 0)) as url,
        Sandbox(farthing_url=url, farthing_admin_key="secret") as sandbox,
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False, timeout=60) as http,
    ):
        rows = {row["name"]: row["farthing"] for row in (await http.get("/api/providers")).json()["providers"]}
    assert rows["openai"] == ({"name": "openai", "state": "open"} if works else None)
    assert rows["groq"] is None


async def test_mini_app_is_opened_in_a_frame_with_data_of_the_person() -> None:
    key, url = "k" * 24, "http://127.0.0.1:9"
    async with (
        Sandbox(farthing_url=url, farthing_admin_key=key) as made,
        httpx.AsyncClient(base_url=made.url, timeout=60) as http,
    ):
        found = (await http.post("/api/mini-app", json={"user_id": ANN})).json()
        assert found["url"] == f"{url}/app"
        assert f"%22id%22%3A{ANN}" in found["init_data"]
        assert (await http.post("/api/mini-app", json={"user_id": 1})).status_code == 400
        assert (await http.get("/")).headers["content-security-policy"].endswith(f"; frame-src {url}")


async def test_mini_app_needs_a_running_farthing(http: httpx.AsyncClient) -> None:
    assert not (await http.post("/api/mini-app", json={"user_id": ANN})).json()["ok"]
    assert "frame-src" not in (await http.get("/")).headers["content-security-policy"]
