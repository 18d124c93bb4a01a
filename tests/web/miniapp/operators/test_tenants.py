"""Tenants on the operators' pages."""

import httpx
import pytest

from storage.database.connection import Connection
from tests.web.miniapp.conftest import ANN, OLGA, Mini
from tests.web.miniapp.payments.conftest import Shop, shop

__all__ = ["shop"]


async def names(http: httpx.AsyncClient, search: str = "") -> list[str]:
    return [each["name"] for each in (await http.get("/app/tenants", params={"search": search})).json()["data"]]


async def test_tenants_are_listed_and_found(mini: Mini) -> None:
    await mini.container.db.write(lambda conn: conn.run("UPDATE tenants SET username = 'annlee' WHERE name = 'Ann'"))
    async with mini.http(OLGA) as http:
        assert await names(http) == ["Olga", "Bao", "Ann"]
        for search in ("ann", "@annlee", "1001", str(mini.ann)):
            assert await names(http, search) == ["Ann"]
        assert await names(http, "nobody") == []
        assert (await http.get("/app/tenants")).json()["count"] == 3


async def test_older_tenants_are_on_the_next_page(mini: Mini) -> None:
    for number in range(20):
        await mini.make_tenant(5000 + number, f"n{number}")
    async with mini.http(OLGA) as http:
        first = (await http.get("/app/tenants")).json()
        rest = (await http.get("/app/tenants", params={"cursor": first["next"]})).json()
    assert [each["name"] for each in rest["data"]] == ["Olga", "Bao", "Ann"]
    assert (len(first["data"]), rest["next"]) == (20, None)


def failed(conn: Connection) -> None:
    """Journal a failed attempt in addition to the only one."""
    (found,) = conn.rows("SELECT * FROM attempts")
    row = {**found, "request_id": "failed", "outcome": "timeout", "kept": False, "charge_nanousd": 0}
    del row["id"]
    conn.run(f"INSERT INTO attempts ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", **row)


async def test_card_shows_the_spending_the_keys_and_the_last_error(mini: Mini) -> None:
    await mini.credit(mini.ann, "5", 2)
    await mini.answered(mini.ann, "a", 0, markup=True)
    async with mini.http(ANN) as ann, mini.http(OLGA) as olga:
        secret = (await ann.post("/app/keys", json={"name": "laptop"})).json()["key"]
        await mini.container.db.write(failed)
        card = (await olga.get(f"/app/tenants/{mini.ann}")).json()
    facts = {each["name"]: each["value"] for each in card["facts"]}
    assert (card["name"], card["plan"], card["telegram_user_id"], card["state"]) == ("Ann", "free", "1001", "in")
    assert facts["left"] == "100,000 / 100,000"
    assert facts["charged"] == "0.03 ¢"
    assert facts["last_error"].startswith("timeout · deepseek/deepseek-v4-flash · ")
    (key,) = card["keys"]
    assert key.endswith("… laptop")
    assert secret not in str(card)
    assert "owed" not in facts


async def test_ban_is_told_logged_and_ends(shop: Shop) -> None:
    mini = shop.mini
    async with mini.http(OLGA) as olga:
        path = f"/app/tenants/{mini.ann}"
        assert (await olga.post(f"{path}/ban")).json()["state"] == "banned"
        assert (await shop.http.get("/app/account")).status_code == 403
        assert (await olga.post(f"{path}/unban")).json()["state"] == "in"
        assert (await shop.http.get("/app/account")).status_code == 200
    assert len(shop.world.messages(ANN)) == 2
    rows = await mini.rows("SELECT by_user, by_name, action, tenant_id FROM operator_actions ORDER BY id")
    log = [tuple(each.values()) for each in rows]
    assert log == [(OLGA, "Olga", "ban", mini.ann), (OLGA, "Olga", "unban", mini.ann)]


async def test_operators_are_not_banned(mini: Mini) -> None:
    (row,) = await mini.rows("SELECT id FROM tenants WHERE telegram_user_id = :id", id=OLGA)
    async with mini.http(OLGA) as http:
        answer = await http.post(f"/app/tenants/{row['id']}/ban")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "is_operator")
        assert (await http.get("/app/account")).status_code == 200


async def test_credit_is_booked_once_for_its_key(mini: Mini) -> None:
    path = f"/app/tenants/{mini.ann}/credits"
    async with mini.http(OLGA) as http:
        for _ in range(2):
            answer = await http.post(path, json={"amount": "5"}, headers={"idempotency-key": "k1"})
            assert (answer.status_code, answer.json()["wallet"]) == (200, "$5.00")
        other = await http.post(path, json={"amount": "6"}, headers={"idempotency-key": "k1"})
        assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
        taken = await http.post(path, json={"amount": "-7.50"}, headers={"idempotency-key": "k2"})
        facts = {each["name"]: each["value"] for each in taken.json()["facts"]}
        assert (taken.json()["wallet"], facts["owed"]) == ("$0.00", "$2.50")
        assert (await http.post(path, json={"amount": "5"})).status_code == 400
    log = [each["detail"] for each in await mini.rows("SELECT detail FROM operator_actions ORDER BY id")]
    assert log == ["5.00", "-7.50"]
    await mini.check_books()


@pytest.mark.parametrize("amount", ["", "0", "-0", "abc", "--5", "1000000.01", "1e3", "5 6", "-"])
async def test_other_amounts_are_refused(mini: Mini, amount: str) -> None:
    async with mini.http(OLGA) as http:
        answer = await http.post(
            f"/app/tenants/{mini.ann}/credits", json={"amount": amount}, headers={"idempotency-key": "k"}
        )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "amount")
    assert await mini.rows("SELECT * FROM operator_actions") == []


async def test_pages_are_hidden_from_tenants(mini: Mini) -> None:
    async with mini.http(ANN) as http:
        nothing = await http.get("/app/nothing")
        calls = (("GET", ""), ("GET", "/1"), ("POST", "/1/ban"), ("POST", "/1/unban"), ("POST", "/1/credits"))
        for method, end in calls:
            path = f"/app/tenants{end}"
            answer = await http.request(method, path, json={"amount": "5"} if end == "/1/credits" else None)
            assert answer.status_code == nothing.status_code == 404
        malformed = await http.post(
            "/app/tenants/1/credits", content=b"{", headers={"content-type": "application/json"}
        )
        other_method = await http.delete("/app/tenants/1/ban")
        for answer, method, path in (
            (malformed, "POST", "/app/tenants/1/credits"),
            (other_method, "DELETE", "/app/tenants/1/ban"),
        ):
            assert answer.status_code == 404
            assert answer.json() == (await http.request(method, f"{path}/nothing")).json() | {
                "error": nothing.json()["error"] | {"message": answer.json()["error"]["message"]}
            }
            assert answer.json()["error"]["message"].startswith(f"There is no {method} {path} here.")
    async with mini.http(OLGA) as http:
        for number in ("999", "x", "²"):
            assert (await http.get(f"/app/tenants/{number}")).status_code == 404
