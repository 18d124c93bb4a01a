"""The Mini App in the whole program: a link from the bot, payments through Telegram, the sandbox's way to open it."""

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.telegram import stars
from sandbox.telegram.mini_app import init_data
from tests.journeys.conftest import ANN, OLGA, Journey


@contextlib.asynccontextmanager
async def signed_in(journey: Journey, user: int) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client with a session, begun with the link that the bot sends."""
    found = re.search(r"/app#([\w-]{43})$", await journey.ask("/app", user))
    assert found
    async with httpx.AsyncClient(base_url=journey.url, trust_env=False, verify=False, timeout=60) as http:
        begun = await http.post("/app/session", headers={"authorization": f"link {found[1]}"})
        http.headers["authorization"] = f"Bearer {begun.json()['session']}"
        yield http


async def paid(journey: Journey, link: str) -> None:
    """Pay the invoice of a link as Ann."""
    world = journey.sandbox.world
    done = await stars.pay(world, ANN, ANN, world.links[link.removeprefix("https://t.me/$")])
    assert done["ok"], done
    await journey.idle()


async def account(http: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/app/account")).json()["account"]
    return found


async def test_payments_of_the_app_are_booked_by_the_bot(journey: Journey) -> None:
    async with signed_in(journey, ANN) as http:
        await http.post("/app/terms")
        made = (await http.post("/app/topups", json={"amount": "$5.00"})).json()
        await paid(journey, made["link"])
        assert (await account(http))["wallet_usd"] == "5.005"
        offer = (await http.post("/app/plan", json={"plan": "starter", "pay": "stars"})).json()
        await paid(journey, offer["link"])
        assert (await account(http))["plan"] == "starter"
        assert "ends on" in (await http.post("/app/plan/cancel")).json()["text"]
        assert "renews on" in (await http.post("/app/plan/resume")).json()["text"]
        assert (await http.get("/app/payments")).json()["subscription"]["can_cancel"]
    await journey.check_books()


async def test_conversations_of_the_chat_are_in_the_app(journey: Journey) -> None:
    await journey.ask("tell me about the sea")
    await journey.idle()
    async with signed_in(journey, ANN) as http:
        (line,) = (await http.get("/app/conversations")).json()["data"]
        read = (await http.get(f"/app/conversations/{line['id']}")).json()
    assert [each["role"] for each in read["messages"]] == ["user", "assistant"]
    assert read["messages"][0]["text"] == "tell me about the sea"


async def test_probe_and_drain_of_the_app_reach_the_providers(journey: Journey) -> None:
    async with signed_in(journey, OLGA) as http:
        assert (await http.post("/app/providers/deepseek/probe")).json()["text"] == "deepseek answers."
        await http.post("/app/providers/deepseek/drain")
        await journey.ask("hello")
        (attempt,) = await journey.rows("SELECT provider FROM attempts WHERE kept")
        assert attempt["provider"] != "deepseek"


@pytest.mark.parametrize("user", [ANN, OLGA])
async def test_sandbox_signs_its_people_in(journey: Journey, user: int) -> None:
    await journey.ask("/start", user)
    data = init_data(journey.sandbox.world, user)
    async with httpx.AsyncClient(base_url=journey.url, trust_env=False, timeout=60, verify=False) as http:
        begun = await http.post("/app/session", headers={"authorization": f"tma {data}"})
        house = await http.get("/app/house", headers={"authorization": f"Bearer {begun.json()['session']}"})
    assert (begun.status_code, house.status_code) == (201, 200 if user == OLGA else 404)
