"""The operator's routes for a tenant's API keys."""

from typing import Any

import httpx

from tests.web.conftest import ADMIN_KEY, ASKED, RunningApi


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


async def key_of(admin: httpx.AsyncClient, **settings: Any) -> Any:
    made = await admin.post("/admin/tenants/1/keys", json={"name": "ci", **settings})
    assert made.status_code == 201, made.text
    return made.json()


async def ask(api: RunningApi, key: str, model: str = "auto") -> httpx.Response:
    async with api.http(key) as http:
        return await http.post("/v1/chat/completions", json={"model": model, "messages": ASKED, "max_tokens": 64})


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


async def test_expired_key_is_refused_with_the_reason(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = await key_of(admin, expires_at="2026-01-01T00:00:00+02:00")
        assert made["expires_at"] == "2025-12-31T22:00:00Z"
        status, code, message = error_of(await ask(api, made["key"]))
        assert (status, code) == (401, "invalid_api_key")
        assert "has expired" in message
        path = f"/admin/tenants/1/keys/{made['id']}"
        await admin.patch(path, json={"expires_at": "2999-01-01T00:00:00Z"})
        assert (await ask(api, made["key"])).status_code == 200
        assert (await admin.get(path)).json()["expires_at"] == "2999-01-01T00:00:00Z"


async def test_key_may_ask_only_for_its_models(api: RunningApi) -> None:
    listed = ["seen", "gemini-2.5-flash-lite", "gemini/gemini-2.5-flash-lite"]
    async with api.http(ADMIN_KEY) as admin:
        made = await key_of(admin, models=listed)
        assert made["models"] == listed
        status, code, message = error_of(await ask(api, made["key"]))
        assert (status, code) == (403, "model_not_in_key")
        assert "only for seen, gemini-2.5-flash-lite" in message
        assert error_of(await ask(api, made["key"], "no-such-model"))[0] == 404
        for model in listed:
            assert (await ask(api, made["key"], model)).status_code == 200
        async with api.http(made["key"]) as http:
            offered = [each["id"] for each in (await http.get("/v1/models")).json()["data"]]
            assert sorted(offered) == sorted(listed)
            assert (await http.get("/v1/models/seen")).status_code == 200
            assert (await http.get("/v1/models/auto")).status_code == 404


async def test_key_is_limited_to_its_requests_per_minute(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = await key_of(admin, requests_per_minute=1)
    assert (await ask(api, made["key"])).status_code == 200
    refused = await ask(api, made["key"])
    status, code, message = error_of(refused)
    assert (status, code) == (429, "rate_limit_exceeded")
    assert "This API key allows 1 requests a minute" in message
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert (await ask(api, api.key)).status_code == 200


async def test_tokens_per_month_counts_all_tokens_of_the_key(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = await key_of(admin, tokens_per_month=100_000)
        answers = [await ask(api, made["key"], model) for model in ("auto", "gemini-2.5-flash-lite")]
        used = sum(each.json()["usage"]["total_tokens"] for each in answers)
        path = f"/admin/tenants/1/keys/{made['id']}"
        assert (await admin.get(path)).json()["used_tokens"] == used
        await admin.patch(path, json={"tokens_per_month": used})
        status, code, message = error_of(await ask(api, made["key"]))
        assert (status, code) == (402, "insufficient_quota")
        assert "tokens_per_month" in message
        await admin.patch(path, json={"tokens_per_month": None})
        assert (await ask(api, made["key"])).status_code == 200
    await api.check_books()


async def test_rotated_key_has_a_new_secret_and_the_old_one_is_refused_at_once(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = await key_of(admin, models=["auto"], requests_per_minute=60, expires_at="2999-01-01T00:00:00Z")
        assert (await ask(api, made["key"])).status_code == 200
        path = f"/admin/tenants/1/keys/{made['id']}"
        answer = await admin.post(f"{path}/rotate")
        rotated = answer.json()
        assert answer.status_code == 200
        assert rotated["key"] != made["key"]
        assert rotated["key"].startswith(rotated["prefix"])
        same = ("id", "name", "models", "requests_per_minute", "expires_at", "created_at")
        assert [rotated[name] for name in same] == [made[name] for name in same]
        assert rotated["used_tokens"] > 0
        assert error_of(await ask(api, made["key"]))[:2] == (401, "invalid_api_key")
        assert (await ask(api, rotated["key"])).status_code == 200
        assert rotated["key"] not in (await admin.get(path)).text


async def test_settings_of_a_key_are_changed_one_by_one(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = await key_of(admin, tokens_per_month=500, models=["auto"])
        path = f"/admin/tenants/1/keys/{made['id']}"
        changed = (await admin.patch(path, json={"name": "new", "models": None, "requests_per_minute": 7})).json()
        assert (changed["name"], changed["models"], changed["requests_per_minute"]) == ("new", None, 7)
        assert changed["tokens_per_month"] == 500
        assert (await admin.patch(path, json={})).json() == changed
        refused = await admin.patch(path, json={"models": []})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "models")


async def test_missing_revoked_and_foreign_keys_are_not_found(api: RunningApi) -> None:
    async with api.http(ADMIN_KEY) as admin:
        made = await key_of(admin)
        await admin.post("/admin/tenants", json={"name": "another"})
        await admin.delete(f"/admin/tenants/1/keys/{made['id']}")
        for where in ("1/keys/99", "1/keys/x", f"1/keys/{made['id']}", "2/keys/1"):
            path = f"/admin/tenants/{where}"
            for answer in (
                await admin.get(path),
                await admin.patch(path, json={"name": "x"}),
                await admin.post(f"{path}/rotate"),
                await admin.delete(path),
            ):
                assert error_of(answer)[:2] == (404, "not_found")
