"""The routes for the providers that may not see a tenant's prompts."""

from typing import Any

import pytest

from tests.web.conftest import ADMIN_KEY, ASKED, RunningApi

PATH = "/admin/tenants/{}/exclusions"


async def tenant_of_key(api: RunningApi) -> str:
    (found,) = await api.container.db.read(lambda conn: conn.rows("SELECT MAX(tenant_id) AS id FROM api_keys"))
    return str(found["id"])


async def test_providers_left_out_are_not_asked(api: RunningApi) -> None:
    tenant = await tenant_of_key(api)
    async with api.http(ADMIN_KEY) as admin, api.http() as client:
        nothing = {"providers": [], "countries": [], "training": False, "left_out": []}
        assert (await admin.get(PATH.format(tenant))).json() == nothing
        changed = await admin.put(PATH.format(tenant), json={"countries": ["CN"]})
        assert changed.status_code == 200, changed.text
        assert changed.json() == nothing | {"countries": ["CN"], "left_out": ["deepseek"]}
        assert (await client.get("/v1/exclusions")).json() == changed.json()
        answered = await client.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
        assert answered.headers["x-farthing-provider"] != "deepseek"
        everyone = sorted(api.container.market.providers)
        await admin.put(PATH.format(tenant), json={"providers": everyone})
        refused = await client.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "providers_excluded")
        assert (await admin.put(PATH.format(tenant), json={})).json() == nothing
        assert (await client.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})).is_success
    logged = await api.container.db.read(lambda conn: conn.rows("SELECT detail FROM operator_actions ORDER BY id"))
    assert [each["detail"] for each in logged][-3:] == ["CN", ", ".join(everyone), "none"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"providers": ["deepsek"]}, "providers"),
        ({"providers": "deepseek"}, "providers"),
        ({"countries": ["China"]}, "countries.0"),
        ({"training": "perhaps"}, "training"),
        ({"training": 0}, "training"),
    ],
)
async def test_wrong_choice_is_refused_and_changes_nothing(api: RunningApi, body: Any, param: str) -> None:
    tenant = await tenant_of_key(api)
    async with api.http(ADMIN_KEY) as admin:
        await admin.put(PATH.format(tenant), json={"training": True})
        refused = await admin.put(PATH.format(tenant), json=body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
        assert (await admin.get(PATH.format(tenant))).json()["training"]
        assert (await admin.put(PATH.format(99), json={})).status_code == 404


async def test_tenant_reads_its_own_choice_only(api: RunningApi) -> None:
    tenant = await tenant_of_key(api)
    async with api.http() as client:
        assert (await client.get(PATH.format(tenant))).status_code == 401
        assert (await client.put("/v1/exclusions", json={})).status_code == 405
