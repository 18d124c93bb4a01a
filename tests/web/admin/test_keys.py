"""The operator's routes for a tenant's API keys."""

from tests.web.conftest import ADMIN_KEY, RunningApi


async def test_secret_is_shown_once(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = (await admin.post("/admin/tenants/1/keys", json={"name": "ci", "tokens_per_month": 500})).json()
        listed = await admin.get("/admin/tenants/1/keys")
    assert made["key"].startswith(made["prefix"])
    assert (made["tokens_per_month"], made["used_tokens"], made["last_used_at"]) == (500, 0, None)
    assert made["key"] not in listed.text
    assert [row["name"] for row in listed.json()["data"]] == ["k", "ci"]


async def test_last_use_is_recorded(api: RunningApi) -> None:
    async with api.http() as http, api.http(ADMIN_KEY) as admin:
        assert (await http.get("/v1/models")).status_code == 200
        (row,) = (await admin.get("/admin/tenants/1/keys")).json()["data"]
    assert row["last_used_at"] is not None
    assert row["revoked_at"] is None


async def test_revoked_key_stops_at_once(api: RunningApi) -> None:
    async with api.http() as http, api.http(ADMIN_KEY) as admin:
        (row,) = (await admin.get("/admin/tenants/1/keys")).json()["data"]
        path = f"/admin/tenants/1/keys/{row['id']}"
        assert (await admin.delete(path)).status_code == 204
        assert (await http.get("/v1/models")).status_code == 401
        assert (await admin.delete(path)).status_code == 404


async def test_key_of_another_tenant_is_not_found(api: RunningApi) -> None:
    await api.make_key()
    async with api.http(ADMIN_KEY) as admin:
        (row,) = (await admin.get("/admin/tenants/2/keys")).json()["data"]
        assert (await admin.delete(f"/admin/tenants/1/keys/{row['id']}")).status_code == 404
        assert (await admin.post("/admin/tenants/99/keys", json={})).status_code == 404
        assert (await admin.get("/admin/tenants/99/keys")).status_code == 404
