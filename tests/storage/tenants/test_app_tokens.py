"""Links and sessions of the Mini App, on SQLite and PostgreSQL."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import app_tokens, tenant_settings, tenants
from storage.tenants.app_tokens import LINK, LINK_LIFE, MOST_SESSIONS, SESSION, SESSION_LIFE
from tests.storage.books import FREE, NOW

SECOND = timedelta(seconds=1)


async def person(db: Database, user: int = 1001) -> int:
    return await db.write(lambda conn: tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=user))


def test_secrets_have_256_bits_and_fit_into_a_link() -> None:
    made = {app_tokens.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {43}


@pytest.mark.parametrize("other", ["", "A" * 42, "A" * 44, "fk-" + "a" * 43, "A" * 42 + "!", "A" * 43 + "\n"])
def test_secret_is_known_by_its_form(other: str) -> None:
    assert app_tokens.is_secret(app_tokens.new_secret())
    assert not app_tokens.is_secret(other)


async def test_link_is_taken_once_also_by_calls_at_the_same_time(db: Database) -> None:
    ann, secret = await person(db), app_tokens.new_secret()
    await db.write(lambda conn: app_tokens.add_link(conn, ann, secret, NOW))
    take = partial(app_tokens.take_link, link=secret, now=NOW)
    assert sorted(map(str, await asyncio.gather(*(db.write(take) for _ in range(5))))) == [str(ann), *["None"] * 4]
    assert secret not in str(await db.read(lambda conn: conn.rows("SELECT * FROM app_tokens")))


async def test_link_and_session_end_in_time(db: Database) -> None:
    ann = await person(db)
    link, session = app_tokens.new_secret(), app_tokens.new_secret()

    def unit(conn: Connection) -> None:
        app_tokens.add_link(conn, ann, link, NOW)
        app_tokens.begin(conn, ann, session, NOW)
        for secret, kind, life in ((link, LINK, LINK_LIFE), (session, SESSION, SESSION_LIFE)):
            assert app_tokens.owner(conn, secret, kind, NOW + life - SECOND) == ann
            assert app_tokens.owner(conn, secret, kind, NOW + life) is None
        assert app_tokens.take_link(conn, link, NOW + LINK_LIFE) is None
        assert app_tokens.owner(conn, link, SESSION, NOW) is app_tokens.owner(conn, session, LINK, NOW) is None
        assert app_tokens.take_link(conn, session, NOW) is None

    await db.write(unit)


async def test_new_link_ends_the_one_before_and_expired_secrets_are_deleted(db: Database) -> None:
    ann, bao = await person(db), await person(db, 1002)

    def unit(conn: Connection) -> None:
        app_tokens.add_link(conn, ann, "first", NOW)
        app_tokens.add_link(conn, bao, "baos", NOW)
        app_tokens.add_link(conn, ann, "second", NOW + SECOND)
        assert app_tokens.owner(conn, "first", LINK, NOW) is None
        assert app_tokens.owner(conn, "baos", LINK, NOW) == bao
        app_tokens.begin(conn, ann, "later", NOW + SESSION_LIFE)
        assert [each["kind"] for each in conn.rows("SELECT kind FROM app_tokens")] == [SESSION]

    await db.write(unit)


async def test_oldest_of_too_many_sessions_ends(db: Database) -> None:
    ann = await person(db)

    def unit(conn: Connection) -> None:
        for number in range(MOST_SESSIONS + 1):
            app_tokens.begin(conn, ann, f"s{number}", NOW + number * SECOND)
        later = NOW + timedelta(minutes=1)
        alive = [app_tokens.owner(conn, f"s{number}", SESSION, later) == ann for number in range(MOST_SESSIONS + 1)]
        assert alive == [False, *[True] * MOST_SESSIONS]

    await db.write(unit)


async def test_ban_and_signing_out_end_the_sessions_of_that_tenant_only(db: Database) -> None:
    ann, bao = await person(db), await person(db, 1002)

    def unit(conn: Connection) -> None:
        for tenant in (ann, bao):
            app_tokens.begin(conn, tenant, f"of {tenant}", NOW)
        assert [each["kind"] for each in app_tokens.everything(conn, ann)] == [SESSION]
        tenant_settings.set_banned(conn, ann, True)
        tenant_settings.set_banned(conn, ann, False)
        assert app_tokens.owner(conn, f"of {ann}", SESSION, NOW) is None
        assert app_tokens.owner(conn, f"of {bao}", SESSION, NOW) == bao
        assert tenant_settings.sign_out(conn, bao, NOW) == 1
        assert app_tokens.everything(conn, bao) == []

    await db.write(unit)
