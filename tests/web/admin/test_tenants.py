"""The operator's routes for tenants."""

from typing import Any

import httpx
import pytest

from tests.web.conftest import ADMIN_KEY, RunningApi


async def make(admin: httpx.AsyncClient, name: str = "team", **more: str) -> Any:
    answer = await admin.post("/admin/tenants", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def credit(admin: httpx.AsyncClient, tenant: str, usd: str, key: str | None = "k", reason: str = "t") -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await admin.post(f"/admin/tenants/{tenant}/credits", json={"usd": usd, "reason": reason}, headers=headers)


async def test_tenant_is_made_on_the_free_plan_or_another(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        free, pro = await make(admin), await make(admin, plan="pro")
        assert (free["plan"], free["wallet_usd"], free["telegram_user_id"]) == ("free", "0.00", None)
        assert pro["plan"] == "pro"
        assert (await admin.get(f"/admin/tenants/{pro['id']}")).json() == pro
        refused = await admin.post("/admin/tenants", json={"name": "x", "plan": "gold"})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "plan")
        assert "free, starter, pro, scale" in refused.json()["error"]["message"]


async def test_tenants_are_listed_in_pages(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = ["1", *[(await make(admin))["id"] for _ in range(3)]]
        seen: list[str] = []
        cursor: str | None = "0"
        while cursor is not None:
            answer = (await admin.get("/admin/tenants", params={"limit": 2, "cursor": cursor})).json()
            assert len(answer["data"]) == 2
            seen += [each["id"] for each in answer["data"]]
            cursor = answer["next"]
        assert seen == made
        assert (await admin.get("/admin/tenants", params={"telegram_user_id": 5})).json()["data"] == []


async def test_plan_is_changed_at_once(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        changed = (await admin.put("/admin/tenants/1/plan", json={"plan": "pro"})).json()
        assert (changed["plan"], changed["allowance_tokens"]) == ("pro", 7_000_000)
        assert (await admin.put("/admin/tenants/1/plan", json={"plan": "gold"})).status_code == 400
        assert (await admin.put("/admin/tenants/99/plan", json={"plan": "pro"})).status_code == 404


async def test_credit_is_given_once_per_key(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        tenant = (await make(admin))["id"]
        for _ in range(2):
            assert (await credit(admin, tenant, "2.5")).json()["wallet_usd"] == "2.50"
        assert (await credit(admin, tenant, "2.5", key="other")).json()["wallet_usd"] == "5.00"
        for usd, reason in (("3", "t"), ("2.5", "another reason")):
            answer = await credit(admin, tenant, usd, reason=reason)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_reused")
    await api.check_books()


async def test_credit_without_a_key_is_refused(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        answer = await credit(admin, "1", "1", key=None)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("usd", "status"), [("0", 400), ("-1000001", 400), ("1e2x", 400), ("1000000", 200), ("1000000.000000001", 400)]
)
async def test_credit_is_not_zero_and_at_most_a_million(api: RunningApi, usd: str, status: int) -> None:
    async with api.http(ADMIN_KEY) as admin:
        answer = await credit(admin, "1", usd, key="another")
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["error"]["param"] == "usd"


async def test_names_with_nul_characters_are_refused(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        answer = await admin.post("/admin/tenants", json={"name": "a\0b"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "name")


async def test_negative_credit_debits_the_wallet_and_the_rest_is_owed(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        tenant = (await make(admin))["id"]
        await credit(admin, tenant, "2.5", key="in")
        for _ in range(2):
            debited = (await credit(admin, tenant, "-1.000000001", key="out")).json()
            assert (debited["wallet_usd"], debited["owed_usd"]) == ("1.499999999", "0.00")
        assert (await credit(admin, tenant, "1.000000001", key="out")).status_code == 409
        for _ in range(2):
            owing = (await credit(admin, tenant, "-2", key="more")).json()
            assert (owing["wallet_usd"], owing["owed_usd"]) == ("0.00", "0.500000001")
        for _ in range(2):
            owing = (await credit(admin, tenant, "-1", key="empty")).json()
            assert (owing["wallet_usd"], owing["owed_usd"]) == ("0.00", "1.500000001")
        paid = (await credit(admin, tenant, "2", key="paid")).json()
        assert (paid["wallet_usd"], paid["owed_usd"]) == ("0.499999999", "0.00")
    await api.check_books()
