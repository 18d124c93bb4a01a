"""API keys: limits, months, revocation and the form of a secret."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.holds import Grant, Shortfall
from engine.tenancy import KeyLimits
from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.sqlite_setup import SqliteConnection
from storage.ledger import holds
from storage.teams import members
from storage.tenants import api_keys, tenant_settings, tenants
from storage.tenants.api_keys import ApiKey, KeySettings
from tests.storage.books import FREE, NOW, check_books, hold_request, pay, shortfall_of, take, tenant
from tests.storage.kinds import on_sqlite
from tests.storage.teams.crew import crew


def key(conn: Connection, tenant_id: int, tokens: int | None) -> ApiKey:
    return api_keys.add(conn, tenant_id, api_keys.new_key(), KeySettings(name="k", tokens_per_month=tokens), NOW)


async def test_each_key_of_a_tenant_has_its_own_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team = tenant(conn, "1000")
        dev, production = key(conn, team, 1_000_000), key(conn, team, 25_000_000)
        asked = hold_request(team, "r1", input_tokens=900_000, output_tokens=100_000, key_id=dev.id)
        pay(conn, asked, take(conn, asked), tokens=1_000_000)
        shortfall_of(conn, hold_request(team, "r2", key_id=dev.id))
        more = hold_request(team, "r3", input_tokens=900_000, key_id=production.id)
        pay(conn, more, take(conn, more), tokens=900_000)
        used = {each.id: each.used_tokens for each in api_keys.list_for(conn, team, NOW)}
        assert used == {dev.id: 1_000_000, production.id: 900_000}
        check_books(conn)

    await db.write(unit)


async def test_text_of_a_person_that_is_the_name_of_a_setting_is_only_a_text(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner, new = tenant(conn), api_keys.new_key()
        api_keys.add(conn, owner, new, KeySettings(name="k"), NOW)
        tenant_settings.set_setting(conn, owner, tenant_settings.INSTRUCTIONS, tenants.EXCLUSIONS)
        found = api_keys.authenticate(conn, new.sha256, {"free": FREE})
        assert found is not None
        assert not found.exclusions

    await db.write(unit)


async def test_key_limit_does_not_extend_the_tenants_funds(db: Database) -> None:
    def unit(conn: Connection) -> None:
        poor = tenant(conn)  # an allowance of 1,000 tokens and an empty wallet
        rich_key = key(conn, poor, 25_000_000)
        shortfall_of(conn, hold_request(poor, input_tokens=2_000, key_id=rich_key.id))

    await db.write(unit)


async def test_concurrent_holds_never_exceed_a_key_limit(db: Database) -> None:
    def begin(conn: Connection) -> tuple[int, int]:
        team = tenant(conn, "100")
        return team, key(conn, team, 1_000).id

    team, number = await db.write(begin)

    def hold(conn: Connection, request: str) -> Grant | Shortfall:
        return holds.hold(
            conn, hold_request(team, request, input_tokens=100, output_tokens=200, key_id=number), "L", NOW
        )

    sized = await asyncio.gather(*(db.write(lambda conn, n=n: hold(conn, f"r{n}")) for n in range(20)))  # type: ignore[misc]
    granted = [each for each in sized if isinstance(each, Grant)]
    assert 3 <= len(granted) < 20
    assert sum(each.tokens for each in granted) <= 1_000


async def test_limit_can_be_set_and_removed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn, "10"), tenant(conn, "10")
        made = key(conn, ann, None)
        assert api_keys.change(conn, ann, made.id, {"tokens_per_month": 100}, NOW)
        shortfall_of(conn, hold_request(ann, key_id=made.id))
        assert not api_keys.change(conn, bao, made.id, {"tokens_per_month": None}, NOW)
        assert api_keys.change(conn, ann, made.id, {"tokens_per_month": None}, NOW)
        take(conn, hold_request(ann, key_id=made.id))

    await db.write(unit)


async def test_key_limit_is_full_again_in_a_new_month(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "10")
        made = key(conn, ann, 200)
        asked = hold_request(ann, key_id=made.id)
        pay(conn, asked, take(conn, asked), tokens=200)
        later = NOW + timedelta(days=10)
        assert isinstance(holds.hold(conn, hold_request(ann, "r2", key_id=made.id), "L", later), Grant)

    await db.write(unit)


async def test_typing_error_in_a_secret_is_detected() -> None:
    secret = api_keys.new_key().secret
    assert api_keys.is_well_formed(secret)
    assert not api_keys.is_well_formed(secret[:-1] + ("a" if secret[-1] != "a" else "b"))


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "0", lambda s: "sk-" + s[3:], lambda s: "é" + s[1:],
                                    lambda s: s[:5] + "é" + s[6:], lambda s: s[:0]])  # fmt: skip
def test_malformed_secret_is_refused(change: Callable[[str], str]) -> None:
    assert not api_keys.is_well_formed(change(api_keys.new_key().secret))


async def test_live_key_authenticates_its_tenant_until_it_is_revoked(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn), tenant(conn)
        new = api_keys.new_key()
        made = api_keys.add(conn, ann, new, KeySettings(name="dev"), NOW)
        assert (made.name, made.prefix, made.used_tokens) == ("dev", new.secret[:8], 0)
        assert new.secret not in str(conn.rows("SELECT * FROM api_keys"))
        found = api_keys.authenticate(conn, api_keys.digest(new.secret), {"free": FREE})
        assert found is not None
        assert (found.id, found.key) == (ann, KeyLimits(key_id=made.id))
        assert api_keys.authenticate(conn, api_keys.digest("fk-other"), {"free": FREE}) is None
        assert not api_keys.revoke(conn, bao, made.id, NOW)
        assert api_keys.live_keys(conn, ann) == 1
        assert api_keys.revoke(conn, ann, made.id, NOW)
        assert not api_keys.revoke(conn, ann, made.id, NOW)
        assert not api_keys.change(conn, ann, made.id, {"tokens_per_month": 5}, NOW)
        assert api_keys.authenticate(conn, api_keys.digest(new.secret), {"free": FREE}) is None
        assert api_keys.live_keys(conn, ann) == 0

    await db.write(unit)


async def test_revoked_keys_are_listed_only_on_request(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn)
        first, second = key(conn, ann, None), key(conn, ann, None)
        api_keys.revoke(conn, ann, first.id, NOW)
        api_keys.touch(conn, second.id, NOW)
        assert [each.id for each in api_keys.list_for(conn, ann, NOW)] == [second.id]
        listed = api_keys.list_for(conn, ann, NOW, revoked=True)
        assert [(each.id, each.revoked_at, each.last_used_at) for each in listed] == [
            (first.id, NOW, None),
            (second.id, None, NOW),
        ]

    await db.write(unit)


async def test_used_tokens_of_a_past_month_are_shown_as_zero(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "10")
        asked = hold_request(ann, key_id=key(conn, ann, 200).id)
        pay(conn, asked, take(conn, asked), tokens=150)
        months = (NOW, NOW + timedelta(days=10))
        assert [api_keys.list_for(conn, ann, now)[0].used_tokens for now in months] == [150, 0]

    await db.write(unit)


async def test_key_authenticates_with_its_limits(db: Database) -> None:
    ends = NOW + timedelta(days=30)
    settings = KeySettings(name="ci", requests_per_minute=20, models=("auto", "gpt-4o"), expires_at=ends)

    def unit(conn: Connection) -> None:
        ann, new = tenant(conn), api_keys.new_key()
        made = api_keys.add(conn, ann, new, settings, NOW)
        assert (made.requests_per_minute, made.models, made.expires_at) == (20, ("auto", "gpt-4o"), ends)
        assert api_keys.find(conn, ann, made.id, NOW) == made
        found = api_keys.authenticate(conn, new.sha256, {"free": FREE})
        assert found is not None
        assert found.key == KeyLimits(
            key_id=made.id, requests_per_minute=20, models=("auto", "gpt-4o"), expires_at=ends
        )

    await db.write(unit)


async def test_settings_of_a_key_can_be_changed_one_by_one(db: Database) -> None:
    ends = NOW + timedelta(days=30)

    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn), tenant(conn)
        made = key(conn, ann, 500)
        changes = {"models": ("auto",), "expires_at": ends}
        assert api_keys.change(conn, bao, made.id, changes, NOW) is None
        assert api_keys.change(conn, ann, made.id, changes, NOW) == replace(made, models=("auto",), expires_at=ends)
        changed = api_keys.change(conn, ann, made.id, {"models": None, "name": "ci", "requests_per_minute": 3}, NOW)
        assert changed == replace(made, name="ci", requests_per_minute=3, expires_at=ends)
        assert api_keys.change(conn, ann, made.id, {}, NOW) == changed
        api_keys.revoke(conn, ann, made.id, NOW)
        assert api_keys.change(conn, ann, made.id, {"name": "late"}, NOW) is None
        with pytest.raises(KeyError):
            api_keys.change(conn, ann, made.id, {"sha256": "x"}, NOW)

    await db.write(unit)


async def test_rotated_key_has_a_new_secret_and_the_same_limits(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn, "10"), tenant(conn)
        old, new = api_keys.new_key(), api_keys.new_key()
        made = api_keys.add(conn, ann, old, KeySettings(name="ci", tokens_per_month=900, models=("auto",)), NOW)
        asked = hold_request(ann, key_id=made.id)
        pay(conn, asked, take(conn, asked), tokens=150)
        assert api_keys.rotate(conn, bao, made.id, new, NOW) is None
        rotated = api_keys.rotate(conn, ann, made.id, new, NOW)
        assert rotated == replace(made, prefix=new.prefix, used_tokens=150)
        assert api_keys.authenticate(conn, old.sha256, {"free": FREE}) is None
        found = api_keys.authenticate(conn, new.sha256, {"free": FREE})
        assert found is not None
        assert found.key == KeyLimits(key_id=made.id, models=("auto",))
        api_keys.revoke(conn, ann, made.id, NOW)
        assert api_keys.rotate(conn, ann, made.id, api_keys.new_key(), NOW) is None
        check_books(conn)

    await db.write(unit)


@pytest.mark.parametrize(("seconds", "expired"), [(-0.001, False), (0, True), (1, True)])
async def test_key_expires_at_its_moment(db: Database, seconds: float, expired: bool) -> None:
    def unit(conn: Connection) -> None:
        ann, new = tenant(conn), api_keys.new_key()
        made = api_keys.add(conn, ann, new, KeySettings(expires_at=NOW), NOW)
        found = api_keys.authenticate(conn, new.sha256, {"free": FREE})
        assert found is not None
        assert found.key is not None
        at = NOW + timedelta(seconds=seconds)
        assert (made.is_expired(at), found.key.is_expired(at)) == (expired, expired)
        assert not key(conn, ann, None).is_expired(at)

    await db.write(unit)


def test_every_column_of_the_caller_is_watched() -> None:
    columns = [column.strip().split(".") for column in tenants.OF_TENANT.split(",")]
    watched = {each.table: set(each.columns) for each in api_keys.AUTHENTICATED_BY}
    assert watched["tenants"] == {name for table, name in columns if table in {"t", "team"}} - {"id"}
    assert watched["team_members"] >= {name for table, name in columns if table == "m"}


@on_sqlite
async def test_caller_is_looked_up_anew_when_the_team_changes(db: Database) -> None:
    watch = await db.watch(api_keys.AUTHENTICATED_BY)
    assert watch is not None
    _, ann, bao = await db.write(crew)
    assert watch.count == 1
    await db.write(lambda conn: members.leave(conn, bao, NOW))
    assert watch.count == 2
    await db.write(lambda conn: members.leave(conn, ann, NOW))
    assert watch.count == 2


NEVER_CHANGED = {("api_keys", "id"), ("tenants", "id")}


def test_every_column_that_a_caller_is_read_from_is_watched(sqlite_template: Path) -> None:
    """If a column is not watched, a remembered caller stays outdated until something else changes."""
    read: set[tuple[str, str]] = set()

    def note(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table and column:
            read.add((table, column))
        return sqlite3.SQLITE_OK

    with closing(sqlite3.connect(sqlite_template)) as raw:
        raw.set_authorizer(note)
        api_keys.authenticate(SqliteConnection(raw), "no key", {})
    watched = {(each.table, column) for each in api_keys.AUTHENTICATED_BY for column in each.columns}
    assert {("tenants", "banned"), ("api_keys", "revoked_at")} <= read
    assert read - watched <= NEVER_CHANGED
