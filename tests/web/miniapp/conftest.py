"""Fixtures: the Mini App over a real database, without a bot, and initData signed like Telegram's."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from msgspec.structs import replace

from engine.holds import Grant
from engine.money import Money
from main.container import Container, open_container
from main.front_ends import notices_of, web_services
from main.http.server import http_server
from main.settings import read
from sandbox.telegram.world import TOKEN
from storage.billing import plans
from storage.database.connection import Connection
from storage.ledger import holds, transfers
from storage.operations.audit import audit
from storage.tenants import tenants
from tests.databases import migrated_database
from tests.served import served
from tests.storage.books import DOUBLE, bill, hold_request
from web.app import build_app

PRICES = '[prices."deepseek/deepseek-v4-flash"]\ninput = "0.14"\noutput = "0.28"\n'
ANN, BAO, OLGA, NOBODY = 1001, 1002, 9001, 7777


def signed(who: int, /, token: str = TOKEN, at: datetime | None = None, **more: str) -> str:
    """Return initData with the same signature as Telegram's."""
    user = {"id": who, "first_name": "Ann & <b>co</b>", "language_code": more.pop("language", "en")}
    fields = {
        "query_id": "AAH",
        "user": json.dumps(user),
        "auth_date": str(int((at or datetime.now(UTC)).timestamp())),
        "signature": "not-ours-to-check",
        **more,
    }
    lines = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()))
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    return urlencode({**fields, "hash": hmac.new(key, lines.encode(), hashlib.sha256).hexdigest()})


@dataclass(slots=True)
class Mini:
    """The served app. `ann` and `bao` are tenants' ids; Olga is the operator."""

    container: Container
    url: str
    ann: int = 0
    bao: int = 0

    def http(self, user: int | None, **how: Any) -> httpx.AsyncClient:
        headers = {"authorization": f"tma {signed(user, **how)}"} if user else {}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, verify=False, timeout=60)

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        return await self.container.db.read(lambda conn: conn.rows(sql, **values))

    async def make_tenant(self, user: int, name: str) -> int:
        """Create a tenant who came seventy days ago and whose period is eleven days old; return its id."""
        now = datetime.now(UTC)
        free = self.container.plans["free"]

        def unit(conn: Connection) -> int:
            made = tenants.create(conn, name, free, now=now - timedelta(days=70), telegram_user_id=user)
            plans.start_plan(conn, made, free, now - timedelta(days=11))
            return made

        return await self.container.db.write(unit)

    async def credit(self, tenant: int, usd: str, days_ago: float) -> None:
        ref, now = f"gift:{tenant}:{usd}", datetime.now(UTC) - timedelta(days=days_ago)
        await self.container.db.write(
            lambda conn: transfers.credit(conn, tenant, Money.usd(usd), ref=ref, reason="hello", now=now)
        )

    async def answered(self, tenant: int, name: str, days_ago: float = 0, **how: Any) -> None:
        """Book an answer of `tokens` by `provider`'s `model`; with `markup` it is charged to the wallet."""
        now = datetime.now(UTC) - timedelta(days=days_ago)

        def unit(conn: Connection) -> None:
            tokens = how.get("tokens", 150)
            size = {"input_tokens": tokens // 2, "output_tokens": tokens}
            asked = (
                hold_request(tenant, name, tariff=DOUBLE, **size)
                if how.get("markup")
                else hold_request(tenant, name, **size)
            )
            grant = holds.hold(conn, asked, "L", now)
            assert isinstance(grant, Grant), grant
            made = bill(asked, tokens)
            attempt = replace(
                made.attempt,
                started_at=now,
                provider=how.get("provider", "deepseek"),
                model=how.get("model", "deepseek-v4-flash"),
            )
            holds.capture(conn, asked, grant, replace(made, attempt=attempt), rates={"free": Fraction(0)}, now=now)

        await self.container.db.write(unit)

    async def check_books(self) -> None:
        report = await self.container.db.read(audit)
        assert report.ok, report.problems


@contextlib.asynccontextmanager
async def opened(tmp_path: Path, config: str = "", telegram_url: str = "") -> AsyncIterator[Mini]:
    """Serve the app. With the address of a Bot API server it can also make invoices and send notices there."""
    (tmp_path / "farthing.toml").write_text(PRICES + config)
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    variables = {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "ADMIN_IDS": str(OLGA),
        "DEEPSEEK_API_KEY": "k-deepseek",
        "DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db",
        "FARTHING_CONFIG": str(tmp_path / "farthing.toml"),
    }
    if telegram_url:
        variables["TELEGRAM_API_URL"] = telegram_url
    async with contextlib.AsyncExitStack() as stack:
        container = await stack.enter_async_context(open_container(read(variables, tmp_path / "no.env")))
        notices = notices_of(container) if telegram_url else None
        if notices is not None:
            await notices.start()
            stack.push_async_callback(notices.stop)
        app = build_app(web_services(container, None, notices))
        url = await stack.enter_async_context(served(http_server(app, "127.0.0.1", 0)))
        mini = Mini(container, url)
        mini.ann, mini.bao = await mini.make_tenant(ANN, "Ann"), await mini.make_tenant(BAO, "Bao")
        await mini.make_tenant(OLGA, "Olga")
        yield mini


@pytest.fixture
async def mini(tmp_path: Path) -> AsyncIterator[Mini]:
    async with opened(tmp_path) as running:
        yield running


CALLS = (
    ("GET", "/app/account"),
    ("POST", "/app/keys"),
    ("DELETE", "/app/keys/1"),
    ("GET", "/app/invoices/F-000001/pdf"),
    ("GET", "/app/house"),
    ("POST", "/app/session"),
    ("DELETE", "/app/sessions"),
    ("GET", "/app/conversations"),
    ("DELETE", "/app/conversations/1"),
    ("GET", "/app/tenants"),
    ("POST", "/app/tenants/1/ban"),
    ("POST", "/app/providers/deepseek/drain"),
    ("POST", "/app/incidents/1/mute"),
)
"""One call of each route that needs a user."""


async def account(mini: Mini, user: int, **how: Any) -> dict[str, Any]:
    async with mini.http(user, **how) as http:
        answer = await http.get("/app/account")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def refusals(mini: Mini, user: int | None, **how: Any) -> set[tuple[int, str]]:
    """Return status and code of each call in CALLS."""
    found = set()
    async with mini.http(user, **how) as http:
        for method, path in CALLS:
            answer = await http.request(method, path, json={} if method == "POST" else None)
            found.add((answer.status_code, answer.json()["error"]["code"]))
    return found
