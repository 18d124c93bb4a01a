"""The calls behind the Mini App, over real HTTP and real books."""

import asyncio
import io
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from storage.database.connection import Connection
from storage.operations import incidents
from storage.tenants import api_keys, tenant_settings, tenants
from tests.web.conftest import Face
from tests.web.miniapp.conftest import ANN, BAO, NOBODY, OLGA, Mini, opened

CALLS = (
    ("GET", "/app/account"),
    ("POST", "/app/keys"),
    ("DELETE", "/app/keys/1"),
    ("GET", "/app/invoices/F-000001/pdf"),
    ("GET", "/app/house"),
)


async def account(mini: Mini, user: int, **how: Any) -> dict[str, Any]:
    async with mini.http(user, **how) as http:
        answer = await http.get("/app/account")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


async def refusals(mini: Mini, user: int | None, **how: Any) -> set[tuple[int, str]]:
    """Status and code of every call."""
    found = set()
    async with mini.http(user, **how) as http:
        for method, path in CALLS:
            answer = await http.request(method, path, json={} if method == "POST" else None)
            found.add((answer.status_code, answer.json()["error"]["code"]))
    return found


async def test_one_sees_what_is_left_and_what_was_spent(mini: Mini) -> None:
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


async def test_the_language_is_the_chosen_one_then_the_apps(mini: Mini) -> None:
    assert (await account(mini, ANN, language="vi"))["language"] == "vi"
    await mini.container.db.write(lambda conn: tenant_settings.set_language(conn, mini.ann, "en"))
    assert (await account(mini, ANN, language="vi"))["language"] == "en"


async def test_nobody_sees_or_touches_what_is_anothers(mini: Mini) -> None:
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


async def test_a_key_is_shown_once_works_and_is_revoked_for_good(mini: Mini) -> None:
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


async def test_keys_have_a_most_at_once_and_a_day(mini: Mini) -> None:
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


async def test_a_wrong_field_is_named(mini: Mini) -> None:
    async with mini.http(ANN) as http:
        answer = await http.post("/app/keys", json={"tokens_per_month": -1})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tokens_per_month")


async def test_an_invoice_is_a_pdf_in_ones_language(mini: Mini) -> None:
    await mini.credit(mini.ann, "5", 66)
    await mini.answered(mini.ann, "old", 65, markup=True)
    async with mini.http(ANN, language="vi") as http:
        invoice = (await http.get("/app/account")).json()["invoices"][0]
        answer = await http.get(f"/app/invoices/{invoice['id']}/pdf")
        assert (await http.get("/app/invoices/nothing/pdf")).status_code == 404
    assert answer.headers["content-type"] == "application/pdf"
    assert invoice["id"] in answer.headers["content-disposition"]
    assert "Hóa đơn" in PdfReader(io.BytesIO(answer.content)).pages[0].extract_text().replace("HÓA ĐƠN", "Hóa đơn")


async def test_operators_see_the_house_and_nobody_else_knows_of_it(mini: Mini) -> None:
    await mini.answered(mini.ann, "a", 0)

    def unit(conn: Connection) -> None:
        now = mini.container.clock.now()
        closed = incidents.begin(conn, "provider_down", "gemini", {}, now)
        assert closed
        incidents.close(conn, closed, now)
        incidents.begin(conn, "key_refused", "deepseek", {}, now)

    await mini.container.db.write(unit)
    async with mini.http(OLGA) as olga, mini.http(ANN) as ann:
        seen = (await olga.get("/app/house")).json()
        assert (await olga.get("/app/account")).json()["is_operator"]
        hidden, nothing = await ann.get("/app/house"), await ann.get("/app/nothing")
    assert (hidden.status_code, hidden.json()) == (nothing.status_code, nothing.json()) == (404, nothing.json())
    deepseek = next(row for row in seen["providers"] if row["name"] == "deepseek")
    assert deepseek["configured"]
    assert deepseek["prices"]
    assert "k-deepseek" not in json.dumps(seen)
    assert [row["provider"] for row in seen["margin"]["data"]] == ["deepseek"]
    assert seen["margin"]["totals"]["cost_usd"] == seen["margin"]["data"][0]["cost_usd"]
    assert [(each["subject"], bool(each["closed_at"])) for each in seen["incidents"]] == [
        ("deepseek", False),
        ("gemini", True),
    ]


async def test_without_telegrams_fresh_word_to_this_bot_there_is_nothing(mini: Mini) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    assert await refusals(mini, None) == {(401, "invalid_init_data")}
    assert await refusals(mini, ANN, token="424242:another") == {(401, "invalid_init_data")}
    assert await refusals(mini, OLGA, at=long_ago) == {(401, "init_data_expired")}


async def test_who_is_nobody_is_told_before_a_byte_of_the_body_is_there(mini: Mini) -> None:
    host, port = mini.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = ("POST /app/keys HTTP/1.1", "Host: x", "Content-Length: 1000", "Content-Type: application/json", "", "")
    writer.write("\r\n".join(head).encode())
    async with asyncio.timeout(30):
        assert b" 401 " in await reader.readline()
    writer.close()


async def test_a_bearer_key_opens_no_page(mini: Mini) -> None:
    async with mini.http(ANN) as http:
        secret = (await http.post("/app/keys", json={})).json()["key"]
        answer = await http.get("/app/account", headers={"authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "tma")


async def test_a_stranger_makes_no_tenant(mini: Mini) -> None:
    before = await mini.rows("SELECT count(*) AS n FROM tenants")
    assert await refusals(mini, NOBODY) == {(403, "not_begun")}
    assert await mini.rows("SELECT count(*) AS n FROM tenants") == before


async def test_the_banned_are_refused(mini: Mini) -> None:
    await mini.container.db.write(lambda conn: tenant_settings.set_banned(conn, mini.ann, True))
    assert await refusals(mini, ANN) == {(403, "account_closed")}


async def test_who_waits_or_was_declined_is_told_so(tmp_path: Path) -> None:
    async with opened(tmp_path, '[access]\nmode = "approval"\n') as mini:
        for access, code in ((tenants.PENDING, "access_pending"), (tenants.DECLINED, "access_declined")):
            await mini.container.db.write(partial(tenant_settings.set_access, tenant_id=mini.ann, access=access))
            assert await refusals(mini, ANN) == {(403, code)}
        await mini.container.db.write(lambda conn: tenant_settings.set_access(conn, mini.ann, tenants.ADMITTED))
        assert (await account(mini, ANN))["account"]["plan"] == "free"


async def test_who_waited_at_a_door_that_is_open_by_now_is_in(mini: Mini) -> None:
    await mini.container.db.write(lambda conn: tenant_settings.set_access(conn, mini.ann, tenants.PENDING))
    assert (await account(mini, ANN))["account"]["plan"] == "free"


async def test_the_page_allows_telegrams_script_and_nothing_else_foreign(mini: Mini) -> None:
    async with mini.http(None) as http:
        page = await http.get("/app")
        assert page.headers["content-type"].startswith("text/html")
        policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self' https://telegram.org/js/telegram-web-app.js"
        assert policy["connect-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in page.headers["content-security-policy"]
        for name in ("app.css", "app.js"):
            part = await http.get(f"/app/page/{name}")
            assert (part.status_code, part.headers["x-content-type-options"]) == (200, "nosniff")
            assert f'"app/page/{name}"' in page.text
        texts = await http.get("/app/page/texts.js")
        assert texts.headers["content-type"].startswith("text/javascript")
        assert texts.headers["content-security-policy"] == page.headers["content-security-policy"]
        assert "Tài khoản số" not in texts.text
        assert "Chi tiêu" in texts.text
        for name in ("nothing.js", "..%2Froutes.py", "routes.py"):
            assert (await http.get(f"/app/page/{name}")).status_code == 404


async def test_every_path_of_it_is_described_and_true(mini: Mini) -> None:
    async with mini.http(None) as nobody, mini.http(OLGA) as olga:
        described = (await nobody.get("/openapi.json")).json()
        paths = {path: found for path, found in described["paths"].items() if path.startswith("/app")}
        assert len(paths) == 7
        assert described["components"]["securitySchemes"]["telegram"]["scheme"] == "tma"
        for path, operations in paths.items():
            filled = path.replace("{name}", "app.js").replace("{key_id}", "999").replace("{invoice_id}", "F-1")
            for method, operation in operations.items():
                answer = await olga.request(method, filled, json={} if method == "post" else None)
                assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
                assert "422" not in operation["responses"]
                assert operation["summary"]
                if "401" in operation["responses"]:
                    assert operation["security"] == [{"telegram": []}]
                    assert (await nobody.request(method, filled)).status_code == 401
                else:
                    assert "security" not in operation


async def test_without_a_bot_there_is_no_mini_app(face: Face) -> None:
    async with face.http("") as http:
        assert (await http.get("/app")).status_code == 404
        assert (await http.get("/app/account")).status_code == 404
