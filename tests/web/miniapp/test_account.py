"""A tenant's pages of the Mini App, over real HTTP and a real database."""

import io
import json

from pypdf import PdfReader

from storage.tenants import api_keys, tenant_settings
from tests.web.miniapp.conftest import ANN, BAO, Mini, account


async def test_account_shows_the_rest_and_the_usage_of_the_period(mini: Mini) -> None:
    await mini.credit(mini.ann, "5", 66)
    await mini.answered(mini.ann, "old", 65, markup=True)
    await mini.answered(mini.ann, "a", 2, tokens=120)
    await mini.answered(mini.ann, "b", 2, tokens=80, markup=True, provider="openai", model="gpt-4o")
    await mini.answered(mini.ann, "c", 1, tokens=100)
    seen = await account(mini, ANN)
    assert seen["account"]["plan"] == "free"
    assert seen["account"]["allowance_left_tokens"] == 100_000 - 220
    assert seen["account"]["renews_at"].endswith("Z")
    assert not seen["is_operator"]
    spent = [(row["model"], row["provider"], row["tokens"], row["allowance_tokens"]) for row in seen["spent"]]
    assert spent == [
        ("deepseek-v4-flash", "deepseek", 120, 120),
        ("gpt-4o", "openai", 80, 0),
        ("deepseek-v4-flash", "deepseek", 100, 100),
    ]
    ((charge,),) = [
        row.values() for row in await mini.rows("SELECT charge_nanousd FROM attempts WHERE model = 'gpt-4o'")
    ]
    assert round(float(seen["spent"][1]["charge_usd"]) * 1e9) == charge > 0
    assert "cost" not in json.dumps(seen)
    await mini.check_books()


async def test_language_is_the_chosen_one_then_telegrams(mini: Mini) -> None:
    assert (await account(mini, ANN, language="vi"))["language"] == "vi"
    await mini.container.db.write(lambda conn: tenant_settings.set_language(conn, mini.ann, "en"))
    assert (await account(mini, ANN, language="vi"))["language"] == "en"


async def test_data_of_other_tenants_are_out_of_reach(mini: Mini) -> None:
    await mini.credit(mini.ann, "5", 66)
    await mini.answered(mini.ann, "old", 65, markup=True)
    await mini.answered(mini.ann, "new", 1)
    async with mini.http(ANN) as anns, mini.http(BAO) as baos:
        made = (await anns.post("/app/keys", json={"name": "anns"})).json()
        invoice = (await anns.get("/app/account")).json()["invoices"][0]["id"]
        his = (await baos.get("/app/account")).json()
        assert (his["spent"], his["keys"], his["invoices"], his["account"]["wallet_usd"]) == ([], [], [], "0.00")
        assert (await baos.delete(f"/app/keys/{made['id']}")).status_code == 404
        assert (await baos.get(f"/app/invoices/{invoice}/pdf")).status_code == 404
        assert (await anns.get(f"/app/invoices/{invoice}/pdf")).status_code == 200
        assert [key["prefix"] for key in (await anns.get("/app/account")).json()["keys"]] == [made["prefix"]]


async def test_key_is_shown_once_works_and_can_be_revoked(mini: Mini) -> None:
    async with mini.http(ANN) as http:
        answer = await http.post("/app/keys", json={"name": " laptop ", "tokens_per_month": 1000})
        made = answer.json()
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        assert (made["name"], made["tokens_per_month"]) == ("laptop", 1000)
        bearer = {"authorization": f"Bearer {made['key']}"}
        assert (await http.get("/v1/models", headers=bearer)).status_code == 200
        listed = (await http.get("/app/account")).text
        assert made["prefix"] in listed
        assert made["key"] not in listed
        assert (await http.delete(f"/app/keys/{made['id']}")).status_code == 204
        assert (await http.get("/v1/models", headers=bearer)).status_code == 401
        assert (await http.delete(f"/app/keys/{made['id']}")).status_code == 404
        assert (await http.delete("/app/keys/²")).status_code == 404
        assert (await http.get("/app/account")).json()["keys"] == []


async def test_keys_are_limited_at_once_and_a_day(mini: Mini) -> None:
    async with mini.http(ANN) as http:
        for _ in range(api_keys.MAX_LIVE):
            assert (await http.post("/app/keys", json={})).status_code == 201
        answer = await http.post("/app/keys", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_keys")
        made = 0
        while (answer := await http.post("/app/keys", json={})).status_code != 429:
            assert (made := made + 1) < 100
            live = (await http.get("/app/account")).json()["keys"]
            await http.delete(f"/app/keys/{live[0]['id']}")
        assert answer.headers["retry-after"]
    assert len(await mini.rows("SELECT id FROM api_keys")) == 30


async def test_wrong_field_is_named(mini: Mini) -> None:
    async with mini.http(ANN) as http:
        answer = await http.post("/app/keys", json={"tokens_per_month": -1})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tokens_per_month")


async def test_invoice_is_a_pdf_in_the_users_language(mini: Mini) -> None:
    await mini.credit(mini.ann, "5", 66)
    await mini.answered(mini.ann, "old", 65, markup=True)
    async with mini.http(ANN, language="vi") as http:
        invoice = (await http.get("/app/account")).json()["invoices"][0]
        answer = await http.get(f"/app/invoices/{invoice['id']}/pdf")
        assert (await http.get("/app/invoices/nothing/pdf")).status_code == 404
    assert answer.headers["content-type"] == "application/pdf"
    assert invoice["id"] in answer.headers["content-disposition"]
    assert "Hóa đơn" in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text().replace("HÓA ĐƠN", "Hóa đơn")


async def test_key_is_made_with_limits_and_rotated(mini: Mini) -> None:
    limits = {"requests_per_minute": 5, "models": ["auto"], "expires_at": "2999-01-01T00:00:00Z"}
    async with mini.http(ANN) as anns, mini.http(BAO) as baos:
        made = (await anns.post("/app/keys", json={"name": "ci", **limits})).json()
        assert {name: made[name] for name in limits} == limits
        assert (await baos.post(f"/app/keys/{made['id']}/rotate")).status_code == 404
        answer = await anns.post(f"/app/keys/{made['id']}/rotate")
        rotated = answer.json()
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert {name: rotated[name] for name in ("id", "name", *limits)} == {"id": made["id"], "name": "ci", **limits}
        assert rotated["key"] != made["key"]
        assert rotated["key"].startswith(rotated["prefix"])
        assert (await anns.post("/app/keys/²/rotate")).status_code == 404
