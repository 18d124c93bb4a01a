"""The sandbox as one server: page, Telegram and stand-ins under one address."""

import httpx
import pytest

from sandbox.app import GUARDED, Sandbox


async def test_one_address_serves_page_telegram_and_stand_ins() -> None:
    async with Sandbox(word_seconds=0.0) as sandbox, httpx.AsyncClient(trust_env=False, timeout=60) as http:
        page = await http.get(sandbox.url)
        me = await http.get(f"{sandbox.telegram_url}/bot{sandbox.token}/getMe")
        models = await http.get(f"{sandbox.provider_urls['openai']}/models", headers={"authorization": "Bearer k"})
    assert (page.status_code, me.json()["result"]["is_bot"], models.json()["object"]) == (200, True, "list")
    assert {name: page.headers[name] for name in GUARDED} == GUARDED
    assert page.headers["cache-control"] == "no-store"


async def test_stand_ins_are_those_of_the_given_providers() -> None:
    async with Sandbox(providers={"mybox": "openai"}) as sandbox:
        assert sandbox.provider_urls == {"mybox": f"{sandbox.url}/providers/mybox"}


async def test_server_ends_while_a_poll_is_open() -> None:
    async with Sandbox() as sandbox, httpx.AsyncClient(trust_env=False, timeout=60) as http:
        url = f"{sandbox.telegram_url}/bot{sandbox.token}/getUpdates"
        polling = await http.get(url, params={"timeout": 0})
    assert polling.json() == {"ok": True, "result": []}
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            await http.get(url)


async def test_taken_port_is_refused_with_the_setting_to_change() -> None:
    async with Sandbox() as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(OSError, match=f"can't listen on 127.0.0.1:{port}: is it taken"):
            Sandbox(port=port)
