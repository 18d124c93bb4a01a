"""Access to the Mini App: the users who may call its routes."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from storage.tenants import tenant_settings, tenants
from tests.web.miniapp.conftest import ANN, NOBODY, OLGA, Mini, account, opened, refusals


async def test_calls_need_fresh_init_data_of_this_bot(mini: Mini) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    assert await refusals(mini, None) == {(401, "invalid_init_data")}
    assert await refusals(mini, ANN, token="424242:another") == {(401, "invalid_init_data")}
    assert await refusals(mini, OLGA, at=long_ago) == {(401, "init_data_expired")}


async def test_unknown_user_is_refused_before_the_body_is_read(mini: Mini) -> None:
    host, port = mini.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = ("POST /app/keys HTTP/1.1", "Host: x", "Content-Length: 1000", "Content-Type: application/json", "", "")
    writer.write("\r\n".join(head).encode())
    async with asyncio.timeout(60):
        assert b" 401 " in await reader.readline()
    writer.close()


async def test_api_key_does_not_open_the_app(mini: Mini) -> None:
    async with mini.http(ANN) as http:
        secret = (await http.post("/app/keys", json={})).json()["key"]
        answer = await http.get("/app/account", headers={"authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "tma")


async def test_stranger_makes_no_tenant(mini: Mini) -> None:
    before = await mini.rows("SELECT count(*) AS n FROM tenants")
    assert await refusals(mini, NOBODY) == {(403, "not_begun")}
    assert await mini.rows("SELECT count(*) AS n FROM tenants") == before


async def test_banned_user_is_refused(mini: Mini) -> None:
    await mini.container.db.write(lambda conn: tenant_settings.set_banned(conn, mini.ann, True))
    assert await refusals(mini, ANN) == {(403, "account_closed")}


async def test_pending_and_declined_users_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, '[access]\nmode = "approval"\n') as mini:
        for access, code in ((tenants.PENDING, "access_pending"), (tenants.DECLINED, "access_declined")):
            await mini.container.db.write(partial(tenant_settings.set_access, tenant_id=mini.ann, access=access))
            assert await refusals(mini, ANN) == {(403, code)}
        await mini.container.db.write(lambda conn: tenant_settings.set_access(conn, mini.ann, tenants.ADMITTED))
        assert (await account(mini, ANN))["account"]["plan"] == "free"


async def test_pending_user_is_admitted_once_access_is_open(mini: Mini) -> None:
    await mini.container.db.write(lambda conn: tenant_settings.set_access(conn, mini.ann, tenants.PENDING))
    assert (await account(mini, ANN))["account"]["plan"] == "free"
