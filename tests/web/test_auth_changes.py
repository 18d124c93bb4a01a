"""Keys that were looked up before: a change of the key or its tenant has effect from the next request on."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.money import Money
from engine.tenancy import Plan
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.tenants import api_keys, tenant_settings, tenants
from storage.tenants.api_keys import KeySettings
from tests.databases import migrated_database
from web.auth import RECORD_SECONDS, Authenticator
from web.errors import HttpProblem


@dataclass
class SetClock:
    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 30, tzinfo=UTC) + timedelta(seconds=self.seconds)


@dataclass
class Keyed:
    """An authenticator with a database that has one tenant with a key. `headers`: those of a request."""

    db: Database
    clock: SetClock
    authenticator: Authenticator
    tenant_id: int
    key_id: int
    headers: dict[bytes, bytes]

    async def banned(self) -> bool:
        tenant = (await self.authenticator.tenant(self.headers)).tenant
        assert tenant is not None
        return tenant.banned


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncIterator[Keyed]:
    clock, new = SetClock(), api_keys.new_key()
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    plan = Plan(
        name="free", usd_per_month=Money(0), tokens_per_month=100, requests_per_minute=10, max_output_tokens=1000
    )

    def unit(conn: Connection) -> tuple[int, int]:
        owner = tenants.create(conn, "A", plan, now=clock.now())
        return owner, api_keys.add(conn, owner, new, KeySettings(), clock.now()).id

    headers = {b"authorization": f"Bearer {new.secret}".encode()}
    async with open_database(f"sqlite:///{tmp_path}/farthing.db") as db:
        owner, key_id = await db.write(unit)
        yield Keyed(db, clock, Authenticator(db, {"free": plan}, clock), owner, key_id, headers)


async def test_key_is_looked_up_once_while_nothing_changes(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keyed.authenticator.known(keyed.headers) is None
    caller = await keyed.authenticator.tenant(keyed.headers)
    monkeypatch.setattr(api_keys, "authenticate", None)
    await keyed.db.write(lambda conn: api_keys.touch(conn, keyed.key_id, keyed.clock.now()))
    assert keyed.authenticator.known(keyed.headers) is caller
    assert await keyed.authenticator.tenant(keyed.headers) is caller
    assert keyed.authenticator.known({b"x-api-key": keyed.headers[b"authorization"]}) is None


CHANGES: dict[str, Callable[[Connection, Keyed], object]] = {
    "revoked": lambda conn, it: api_keys.revoke(conn, it.tenant_id, it.key_id, it.clock.now()),
    "rotated": lambda conn, it: api_keys.rotate(conn, it.tenant_id, it.key_id, api_keys.new_key(), it.clock.now()),
    "expired": lambda conn, it: api_keys.change(
        conn, it.tenant_id, it.key_id, {"expires_at": it.clock.now()}, it.clock.now()
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_key_is_refused_from_its_change_on(keyed: Keyed, change: str) -> None:
    await keyed.authenticator.tenant(keyed.headers)
    await keyed.db.write(lambda conn: CHANGES[change](conn, keyed))
    assert keyed.authenticator.known(keyed.headers) is None
    with pytest.raises(HttpProblem) as refused:
        await keyed.authenticator.tenant(keyed.headers)
    assert refused.value.status == 401


async def test_ban_holds_from_the_next_request_on(keyed: Keyed) -> None:
    assert not await keyed.banned()
    await keyed.db.write(lambda conn: tenant_settings.set_banned(conn, keyed.tenant_id, banned=True))
    assert await keyed.banned()


async def test_change_while_a_key_is_looked_up_is_not_missed(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_then_banned(query: Callable[[Connection], Any]) -> Any:
        found = await keyed.db.read(query)
        await keyed.db.write(lambda conn: tenant_settings.set_banned(conn, keyed.tenant_id, banned=True))
        return found

    monkeypatch.setattr(type(keyed.db), "read_key", lambda _, query: read_then_banned(query))
    assert not await keyed.banned()
    monkeypatch.undo()
    assert await keyed.banned()


async def test_use_of_a_known_key_is_recorded_each_minute(keyed: Keyed) -> None:
    async def last_use() -> datetime | None:
        keys = await keyed.db.read(lambda conn: api_keys.list_for(conn, keyed.tenant_id, keyed.clock.now()))
        return keys[0].last_used_at

    for seconds, used in ((0.0, 0.0), (RECORD_SECONDS - 1, 0.0), (RECORD_SECONDS, RECORD_SECONDS)):
        keyed.clock.seconds = seconds
        await keyed.authenticator.tenant(keyed.headers)
        assert await last_use() == SetClock(used).now()
