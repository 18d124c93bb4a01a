"""The operator's usage, margin and audit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.web.conftest import ADMIN_KEY, ASKED, RunningApi

HUGE = "9" * 30
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def answered(api: RunningApi) -> None:
    async with api.http() as http:
        assert (await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})).status_code == 200
    await api.idle()


async def got(api: RunningApi, path: str, **query: str) -> Any:
    async with api.http(ADMIN_KEY) as admin:
        answer = await admin.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2100, 1, 1), date(2026, 11, 1)),
        (date(2026, 11, 1), date(2000, 12, 31)),
        (date.max, None),
        (date(2027, 1, 1), None),
        (date.max, date.max),
        (None, date.max),
        (date.min, date.min),
    ],
)
async def test_period_without_possible_records_is_empty(api: RunningApi, first: date | None, last: date | None) -> None:
    await answered(api)
    query = {name: str(day) for name, day in (("from", first), ("to", last)) if day is not None}
    assert (await got(api, "/admin/usage", **query))["data"] == []
    assert (await got(api, "/admin/margin", **query))["data"] == []


async def test_usage_is_that_of_all_tenants_or_of_one(api: RunningApi) -> None:
    await answered(api)
    await api.make_key()
    (row,) = (await got(api, "/admin/usage"))["data"]
    assert (row["model"], row["provider"], row["prompts"]) == ("deepseek-v4-flash", "deepseek", 1)
    assert row["allowance_tokens"] == row["input_tokens"] + row["output_tokens"]
    assert (await got(api, "/admin/usage", tenant="1"))["data"] == [row]
    assert (await got(api, "/admin/usage", tenant="2"))["data"] == []
    assert (await got(api, "/admin/usage", to="2020-01-01"))["data"] == []


async def test_margin_totals_are_the_sums_of_the_rows(api: RunningApi) -> None:
    await answered(api)
    found = await got(api, "/admin/margin")
    (row,), totals = found["data"], found["totals"]
    for name in ("charge_usd", "allowance_usd", "cost_usd", "waste_usd", "margin_usd"):
        assert totals[name] == row[name]
    parts = [Decimal(row[name]) for name in ("charge_usd", "allowance_usd", "cost_usd", "waste_usd")]
    assert Decimal(row["margin_usd"]) == parts[0] + parts[1] - parts[2] - parts[3] < 0
    assert (totals["liability_wallets_usd"], totals["gifts_usd"]) == ("0.00", "1.00")


async def test_audit_lists_its_problems(api: RunningApi) -> None:
    clean = await got(api, "/admin/audit")
    assert clean["ok"]
    assert clean["checked"]
    spoil = "UPDATE accounts SET balance_nanousd = balance_nanousd + 1"
    await api.container.db.write(lambda conn: conn.run(spoil))
    spoiled = await got(api, "/admin/audit")
    assert not spoiled["ok"]
    assert set(spoiled["problems"][0]) == {"check", "rule", "row"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/admin/tenants?cursor={HUGE}", 400),
        ("GET", f"/admin/tenants?telegram_user_id={HUGE}", 400),
        ("GET", f"/admin/invoices?cursor={HUGE}", 400),
        ("DELETE", f"/admin/tenants/1/keys/{HUGE}", 404),
        ("DELETE", "/admin/tenants/1/keys/²", 404),
        ("GET", "/admin/tenants/²", 404),
        ("GET", "/admin/margin?from=9999-12-31&to=9999-12-31", 200),
        ("GET", "/admin/usage?to=9999-12-31", 200),
        ("GET", "/admin/usage?from=0001-01-01&to=9999-12-30", 200),
        ("GET", "/admin/usage?from=1700000000", 400),
        ("GET", "/admin/usage?from=2026-02-30", 400),
    ],
)
async def test_impossible_numbers_and_dates_are_refused(api: RunningApi, method: str, path: str, status: int) -> None:
    async with api.http(ADMIN_KEY) as admin:
        assert (await admin.request(method, path)).status_code == status
