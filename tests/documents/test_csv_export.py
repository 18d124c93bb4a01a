import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from documents.csv_export import invoice_csv, margin_csv, usage_csv
from engine.money import Money
from storage.invoices.drafts import ChargeLine, Movement
from storage.reports.usage import UsageRow
from tests.documents.sample import OCTOBER, invoice

FORMULAS = ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "\rx")


def read(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode(), newline="")))


def usage_row(model: str = "m", provider: str = "p") -> UsageRow:
    return UsageRow(OCTOBER, model, provider, 1, 30, 20, 5, Money(7), Money(3), Money(2), Money(25))


def test_csv_amounts_sum_to_the_closing_balance() -> None:
    rows = read(invoice_csv(invoice()))
    amounts = [Decimal(row["amount_usd"]) for row in rows]
    assert sum(amounts[:-1]) == amounts[-1] == Decimal("16.80")
    assert [row["kind"] for row in rows] == ["opening", "topup", "plan", "charge", "charge", "closing"]
    assert (rows[0]["day"], rows[-1]["day"]) == ("2026-10-01", "2026-10-31")
    assert {row["invoice"] for row in rows} == {"F-000012"}


def test_csv_has_stars_for_payments_and_counts_for_charges() -> None:
    _, topup, plan, charge, *_ = read(invoice_csv(invoice()))
    assert (topup["stars"], topup["usd_per_star"], topup["text"]) == ("2000", "0.013", "2000 Stars")
    assert (plan["stars"], plan["usd_per_star"], plan["answers"]) == ("", "", "")
    names = ("text", "answers", "input_tokens", "output_tokens", "allowance_tokens")
    assert [charge[name] for name in names] == ["auto", "3", "1200", "800", "2000"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_escaped(text: str) -> None:
    lines = (ChargeLine(OCTOBER, text, 1, 1, 1, 0, Money(1)),)
    movements = (Movement(date(2026, 10, 2), "credit", text, Money(1)),)
    rows = read(invoice_csv(invoice(lines=lines, movements=movements)))
    assert [row["text"] for row in rows[1:3]] == [f"'{text}"] * 2
    for table in (usage_csv, margin_csv):
        (row,) = read(table([usage_row(text, text)]))
        assert (row["model"], row["provider"]) == (f"'{text}", f"'{text}")


@pytest.mark.parametrize("text", ["gpt-4o", "a=b", "", "'quoted"])
def test_plain_texts_are_not_escaped(text: str) -> None:
    (row,) = read(usage_csv([usage_row(text)]))
    assert row["model"] == text


def test_usage_has_no_costs() -> None:
    (row,) = read(usage_csv([usage_row()]))
    assert row == {
        "day": "2026-10-01",
        "model": "m",
        "provider": "p",
        "prompts": "1",
        "input_tokens": "30",
        "output_tokens": "20",
        "allowance_tokens": "5",
        "charge_usd": "0.000000007",
    }


def test_margin_has_exact_costs() -> None:
    (row,) = read(margin_csv([usage_row()]))
    assert {name: value for name, value in row.items() if name.endswith("usd")} == {
        "charge_usd": "0.000000007",
        "allowance_usd": "0.000000025",
        "cost_usd": "0.000000003",
        "waste_usd": "0.000000002",
        "margin_usd": "0.000000027",
    }
