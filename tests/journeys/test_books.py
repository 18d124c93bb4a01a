"""Journeys of usage, margin, invoices and personal data, over Telegram and HTTP."""

import io
import json
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from pypdf import PdfReader

from engine.money import Money
from engine.tenancy import Plan
from storage.database.connection import Connection
from storage.ledger import transfers
from storage.tenants import tenants
from tests.builders import month_to_invoice
from tests.journeys.conftest import ANN, BAO, OLGA, Journey

FREE = Plan(
    name="free", usd_per_month=Money(0), tokens_per_month=100_000, requests_per_minute=6, max_output_tokens=1024
)


def says(words: str, message: dict[str, Any]) -> bool:
    return words in message.get("text", message.get("caption", ""))


def credit_last_month(conn: Connection, user: int) -> int:
    """Create a tenant last month and credit 5 USD then. Return the tenant's id."""
    then = month_to_invoice()
    made = tenants.create(conn, "Ánh Nguyễn", FREE, now=then, telegram_user_id=user)
    transfers.credit(conn, made, Money.usd("5"), ref=f"gift:{user}", reason="welcome", now=then)
    return made


async def documents(journey: Journey, user: int, count: int) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        return [m["document"] for m in journey.sandbox.world.messages(user) if "document" in m]

    await journey.sandbox.world.wait_message(user, lambda _: len(found()) >= count)
    return found()


async def test_past_month_is_an_invoice_in_telegram(journey: Journey) -> None:
    await journey.container.db.write(lambda conn: credit_last_month(conn, ANN))
    assert "choose a month" in await journey.ask("/invoice")
    await journey.press(f"{month_to_invoice():%b %Y}")
    pdf, sheet = await documents(journey, ANN, 2)
    assert (pdf["file_name"], sheet["file_name"]) == ("F-000001.pdf", "F-000001.csv")


async def test_invoice_of_another_tenant_is_not_sent(journey: Journey) -> None:
    await journey.container.db.write(lambda conn: credit_last_month(conn, ANN))
    await journey.container.db.write(lambda conn: credit_last_month(conn, BAO))
    await journey.ask("/invoice")
    await journey.ask("/invoice", BAO)
    message = next(m for m in reversed(journey.sandbox.world.messages(BAO)) if "reply_markup" in m)
    data = message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    stolen = data.replace(":2:", ":1:")
    assert stolen != data
    message["reply_markup"]["inline_keyboard"][0][0]["callback_data"] = stolen
    journey.sandbox.world.press(BAO, BAO, message["message_id"], stolen)
    await journey.idle()
    assert not [m for m in journey.sandbox.world.messages(BAO) if "document" in m]


async def test_operators_read_every_invoice(journey: Journey) -> None:
    owner = await journey.container.db.write(lambda conn: credit_last_month(conn, ANN))
    async with journey.admin() as http:
        (row,) = (await http.get(f"/admin/tenants/{owner}/invoices")).json()["data"]
        assert row["id"] == "F-000001"
        assert (row["opening_usd"], row["total_usd"], row["closing_usd"]) == ("0.00", "0.00", "5.00")
        assert (await http.get("/admin/invoices", params={"month": row["month"]})).json()["data"] == [row]
        whole = (await http.get("/admin/invoices/F-000001")).json()
        assert whole["movements"][0]["amount_usd"] == "5.00"
        pdf = await http.get("/admin/invoices/F-000001/pdf")
        assert pdf.headers["content-type"] == "application/pdf"
        text = PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
        assert "Ánh Nguyễn" in text
        assert "Credit: welcome" in text
        sheet = await http.get("/admin/invoices/1/csv")
        assert sheet.text.splitlines()[-1].endswith("5.00")
        assert (await http.get("/admin/invoices/F-000002")).status_code == 404
        wrong = await http.get("/admin/invoices", params={"month": "2026-13"})
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "month")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-02-30"}, "from"),
        ({"to": "yesterday"}, "to"),
        ({"from": "20261124"}, "from"),
        ({"to": "1700000000"}, "to"),
        ({"to": "2026-11-24T00:00:00"}, "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"tenant": "nobody"}, None),
    ],
)
async def test_bad_dates_are_refused_by_field(journey: Journey, query: dict[str, str], field: str | None) -> None:
    async with journey.admin() as http:
        for path in ("/admin/usage", "/admin/margin"):
            answer = await http.get(path, params=query)
            if field:
                assert (answer.status_code, answer.json()["error"]["param"]) == (400, field), answer.text
    if field is None:
        async with journey.admin() as http:
            assert (await http.get("/admin/usage", params=query)).status_code == 404


async def test_answer_is_in_usage_at_once(journey: Journey) -> None:
    await journey.ask("tell me about tea")
    async with journey.admin() as http:
        (row,) = (await http.get("/admin/usage")).json()["data"]
        assert row["prompts"] == 1
        assert row["allowance_tokens"] == row["input_tokens"] + row["output_tokens"]
        assert set(row) == {
            "day",
            "model",
            "provider",
            "prompts",
            "input_tokens",
            "output_tokens",
            "allowance_tokens",
            "charge_usd",
            "cost_usd",
            "waste_usd",
        }


async def test_margin_adds_up_and_shows_the_unused_balances(journey: Journey) -> None:
    await journey.container.db.write(lambda conn: credit_last_month(conn, ANN))
    await journey.ask("tell me about tea")
    async with journey.admin() as http:
        answer = (await http.get("/admin/margin")).json()
    (row,) = answer["data"]
    totals = answer["totals"]
    parts = [Decimal(row[name]) for name in ("charge_usd", "allowance_usd", "cost_usd", "waste_usd")]
    assert Decimal(row["margin_usd"]) == parts[0] + parts[1] - parts[2] - parts[3] == Decimal(totals["margin_usd"])
    assert (totals["liability_wallets_usd"], totals["gifts_usd"]) == ("0.00", "5.00")
    assert totals["margin_percent"] is None  # the free plan sells nothing


async def test_operator_gets_the_margin_as_text_picture_and_table(journey: Journey) -> None:
    await journey.ask("tell me about tea")
    text = await journey.ask("/margin 30", OLGA)
    assert "Margin over 30 days" in text
    assert "Not yet earned: $0.00" in text
    assert [m for m in journey.sandbox.world.messages(OLGA) if "photo" in m]
    await journey.press("CSV", OLGA)
    (sheet,) = await documents(journey, OLGA, 1)
    assert sheet["file_name"].startswith("margin-")
    assert "/margin" in await journey.ask("/margin forever", OLGA)


async def test_usage_shows_days_models_providers_and_the_rest(journey: Journey) -> None:
    assert "Ask me something first" in await journey.ask("/usage")
    await journey.ask("tell me about tea")
    text = await journey.ask("/usage")
    for words in ("This period", "By day", "By model", "By provider", "deepseek-v4-flash", "Left: "):
        assert words in text, words
    for label, title in (("7 days", "Last 7 days"), ("Month", "This month")):
        await journey.press(label)
        await journey.sandbox.world.wait_message(ANN, partial(says, title))
    assert len([m for m in journey.sandbox.world.messages(ANN) if "photo" in m]) == 1, "a press edits in place"
    await journey.press("CSV")
    (sheet,) = await documents(journey, ANN, 1)
    assert sheet["file_name"] == "usage.csv"


async def test_export_is_complete_and_contains_no_secret(journey: Journey) -> None:
    owner = await journey.container.db.write(lambda conn: credit_last_month(conn, ANN))
    await journey.ask("tell me about tea")
    await journey.ask("/invoice")
    async with journey.admin() as http:
        key = (await http.post(f"/admin/tenants/{owner}/keys", json={"name": "my key"})).json()["key"]
    journey.sandbox.world.say(ANN, ANN, "/export")
    (file,) = await documents(journey, ANN, 1)
    text = journey.sandbox.world.files[file["file_id"]][2].decode()
    data = json.loads(text)
    assert key not in text
    assert "sha256" not in text
    assert data["keys"][0]["name"] == "my key"
    assert [message["role"] for message in data["messages"]] == ["user", "assistant"]
    assert data["usage"][0]["prompts"] == 1
    assert data["wallet"][0]["amount_usd"] == "5.00"
    assert data["invoices"][0]["number"] == "F-000001"
    (receipt,) = data["receipts"]
    assert receipt["attempts"][0]["outcome"] == "answered"
    assert "cost" not in text, "the operator's cost is not shown to tenants"
    assert set(data) >= {"account", "orders", "payments", "subscription"}


async def test_forget_asks_first_and_keeps_money_without_a_name(journey: Journey) -> None:
    await journey.container.db.write(lambda conn: credit_last_month(conn, ANN))
    await journey.ask("tell me about tea")
    await journey.ask("/invoice")
    assert "This can't be undone" in await journey.ask("/forget")
    assert len(await journey.rows("SELECT * FROM messages")) == 2
    await journey.press("Yes, delete")
    await journey.sandbox.world.wait_message(ANN, partial(says, "Deleted: your name and 2 messages"))
    assert "/usage" not in await journey.ask("/why")
    (tenant,) = await journey.rows("SELECT * FROM tenants")
    assert (tenant["name"], tenant["username"]) == ("", "")
    for table in ("messages", "receipts"):
        assert await journey.rows(f"SELECT * FROM {table}") == [], table
    await journey.idle()
    assert await journey.rows("SELECT * FROM inbox WHERE payload <> ''") == []
    async with journey.admin() as http:
        text = PdfReader(io.BytesIO((await http.get("/admin/invoices/1/pdf")).content)).pages[0].extract_text()
    assert "Account no. 1" in text
    assert "Nguyễn" not in text
    await journey.check_books()


async def test_cancelled_forget_deletes_nothing(journey: Journey) -> None:
    await journey.ask("tell me about tea")
    await journey.ask("/forget")
    await journey.press("Cancel")
    await journey.sandbox.world.wait_message(ANN, partial(says, "Nothing was deleted"))
    assert len(await journey.rows("SELECT * FROM messages")) == 2


async def test_deleted_replay_is_reported_and_not_charged(journey: Journey) -> None:
    await journey.ask("/start")
    async with journey.admin() as http:
        key = (await http.post("/admin/tenants/1/keys", json={"name": "k"})).json()["key"]
        body = {"model": "auto", "messages": [{"role": "user", "content": "tell me about tea"}]}
        headers = {"authorization": f"Bearer {key}", "Idempotency-Key": "once"}
        assert (await http.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200
        await journey.ask("/forget")
        await journey.press("Yes, delete")
        await journey.sandbox.world.wait_message(ANN, partial(says, "Deleted: your name"))
        again = await http.post("/v1/chat/completions", json=body, headers=headers)
        assert (again.status_code, again.json()["error"]["code"]) == (410, "answer_deleted")
    assert len(await journey.rows("SELECT * FROM attempts WHERE kept")) == 1
