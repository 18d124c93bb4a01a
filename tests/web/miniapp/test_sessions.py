"""Sessions of the Mini App, begun by initData or by a one-time link."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from sandbox.telegram.world import TOKEN
from storage.tenants import app_tokens, tenant_settings
from tests.web.miniapp.conftest import ANN, OLGA, Mini, opened
from web.miniapp.access import MOST_WRONG, MiniAppAccess, Telegram


async def link(mini: Mini, tenant: int, age: timedelta = timedelta()) -> str:
    secret, now = app_tokens.new_secret(), datetime.now(UTC) - age
    await mini.container.db.write(lambda conn: app_tokens.add_link(conn, tenant, secret, now))
    return secret


async def began(mini: Mini, secret: str) -> httpx.Response:
    async with mini.http(None) as http:
        return await http.post("/app/session", headers={"authorization": f"link {secret}"})


async def call(mini: Mini, session: str, method: str = "GET", path: str = "/app/account") -> httpx.Response:
    async with mini.http(None) as http:
        return await http.request(method, path, headers={"authorization": f"Bearer {session}"})


def code(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.json()['error']['code']}"


async def test_link_begins_one_session_of_twelve_hours(mini: Mini) -> None:
    secret = await link(mini, mini.ann)
    answers = await asyncio.gather(*(began(mini, secret) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401]
    assert {code(answer) for answer in answers if answer.status_code == 401} == {"401 link_ended"}
    first = next(answer for answer in answers if answer.status_code == 201)
    assert first.headers["cache-control"] == "no-store"
    assert "set-cookie" not in first.headers
    session = first.json()
    length = datetime.fromisoformat(session["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < length <= timedelta(hours=12)
    assert (await call(mini, session["session"])).json()["account"]["plan"] == "free"
    assert (await call(mini, session["session"], path="/app/house")).status_code == 404
    assert session["session"] not in str(await mini.rows("SELECT * FROM app_tokens"))


async def test_link_opens_nothing_but_a_session(mini: Mini) -> None:
    secret = await link(mini, mini.ann)
    async with mini.http(None) as http:
        for header in (f"link {secret}", f"Bearer {secret}", f"tma {secret}"):
            assert (await http.get("/app/account", headers={"authorization": header})).status_code == 401
        assert (await http.get(f"/app?token={secret}")).status_code == 200  # opening the page does not use up the link
        assert (await http.get("/app/session", headers={"authorization": f"link {secret}"})).status_code == 405
    assert (await began(mini, secret)).status_code == 201


async def test_old_and_unknown_links_and_sessions_are_refused(mini: Mini) -> None:
    assert code(await began(mini, await link(mini, mini.ann, timedelta(minutes=5)))) == "401 link_ended"
    for secret in ("x", "A" * 43, "' OR 1=1 --"):
        assert code(await began(mini, secret)) == "401 link_ended"
        answer = await call(mini, secret)
        assert code(answer) == "401 session_ended"
        assert answer.headers["www-authenticate"] == "tma"
    long_ago = datetime.now(UTC) - timedelta(hours=12)
    await mini.container.db.write(lambda conn: app_tokens.begin(conn, mini.ann, "old", long_ago))
    assert code(await call(mini, "old")) == "401 session_ended"


async def test_operator_sees_the_operators_pages_as_long_as_it_is_one(mini: Mini) -> None:
    olga = (await mini.rows("SELECT id FROM tenants WHERE telegram_user_id = :id", id=OLGA))[0]["id"]
    session = (await began(mini, await link(mini, olga))).json()["session"]
    assert (await call(mini, session, path="/app/house")).status_code == 200
    container = mini.container
    access = MiniAppAccess(container.db, container.clock, Telegram(TOKEN, ()))
    assert not (await access.user(f"Bearer {session}")).is_operator


async def test_ban_ends_the_session_at_once_and_for_good(mini: Mini) -> None:
    session = (await began(mini, await link(mini, mini.ann))).json()["session"]
    unused = await link(mini, mini.ann)
    for banned in (True, False):
        await mini.container.db.write(partial(tenant_settings.set_banned, tenant_id=mini.ann, banned=banned))
        assert code(await call(mini, session)) == "401 session_ended"
        assert code(await began(mini, unused)) == "401 link_ended"


async def test_signing_out_ends_every_session_and_the_init_data_of_before(mini: Mini) -> None:
    first = (await began(mini, await link(mini, mini.ann))).json()["session"]
    async with mini.http(ANN, at=datetime.now(UTC) - timedelta(minutes=1)) as telegram:
        second = (await telegram.post("/app/session")).json()["session"]
        assert (await call(mini, second)).status_code == 200
        assert (await call(mini, first, "DELETE", "/app/sessions")).status_code == 204
        assert code(await call(mini, first)) == code(await call(mini, second)) == "401 session_ended"
        assert code(await telegram.post("/app/session")) == "401 init_data_expired"
    async with mini.http(ANN, at=datetime.now(UTC) + timedelta(seconds=2)) as telegram:
        assert (await telegram.post("/app/session")).status_code == 201


async def test_guesses_are_limited_and_the_right_secret_always_passes(mini: Mini) -> None:
    secret = await link(mini, mini.ann)
    for other in ["fk-" + "a" * 43, "A" * 42, "A" * 44, "A" * 42 + "!"] * MOST_WRONG:  # texts that are not guesses
        assert (await began(mini, other)).status_code == 401
    for _ in range(MOST_WRONG):
        assert (await began(mini, "A" * 43)).status_code == 401
    answer = await began(mini, "A" * 43)
    assert code(answer) == "429 rate_limit_exceeded"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert (await began(mini, secret)).status_code == 201


@pytest.mark.parametrize(("links_for", "codes"), [("operators", (401, 201)), ("off", (401, 401))])
async def test_links_follow_the_operators_choice(tmp_path: Path, links_for: str, codes: tuple[int, int]) -> None:
    async with opened(tmp_path, f'[access]\napp_links = "{links_for}"\n') as mini:
        olga = (await mini.rows("SELECT id FROM tenants WHERE telegram_user_id = :id", id=OLGA))[0]["id"]
        made = [(await began(mini, await link(mini, who))).status_code for who in (mini.ann, olga)]
        assert tuple(made) == codes
        async with mini.http(ANN) as telegram:
            assert (await telegram.post("/app/session")).status_code == 201
