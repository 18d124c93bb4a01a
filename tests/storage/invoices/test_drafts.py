from datetime import date, datetime, timedelta

import pytest

from engine.money import ZERO, Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.invoices import drafts, months
from storage.invoices.drafts import ChargeLine, InvoiceDraft, LedgerMismatch, Movement
from storage.ledger import transfers
from storage.tenants import tenants
from tests.storage.books import FREE, PRO
from tests.storage.invoiced import (
    FIRST,
    MS,
    NOVEMBER,
    OCTOBER,
    SECOND,
    ask,
    at,
    damage,
    newcomer,
    pay_stars,
    refund_stars,
    two_months,
)

SEPTEMBER = date(2026, 9, 1)


def draft_of(conn: Connection, tenant_id: int, month: date, opening: Money = ZERO) -> InvoiceDraft:
    return drafts.draft_month(conn, tenant_id, month, opening)


@pytest.mark.parametrize(
    ("now", "month"),
    [
        (at(1, 1, month=11) - MS, SEPTEMBER),
        (at(1, 1, month=11), OCTOBER),
        (at(30, 23, month=11), OCTOBER),
        (datetime.fromisoformat("2026-11-01T03:59+03:00"), SEPTEMBER),
    ],
)
def test_month_is_closed_one_hour_after_its_utc_end(now: datetime, month: date) -> None:
    assert drafts.last_closed(now) == month


def test_months_follow_each_other_over_the_year() -> None:
    assert months.month_after(date(2026, 12, 1)) == date(2027, 1, 1)
    assert months.month_before(date(2027, 1, 1)) == date(2026, 12, 1)
    assert months.month_from(202_612) == date(2026, 12, 1)


def test_draft_sums_services_and_movements() -> None:
    lines = (ChargeLine(OCTOBER, "auto", 1, 1, 1, 0, Money(7)), ChargeLine(OCTOBER, "smart", 1, 1, 1, 0, Money(20)))
    movements = (
        Movement(OCTOBER, "topup", "", Money(1000)),
        Movement(OCTOBER, "plan", "", Money(-300)),
        Movement(OCTOBER, "plan_credit", "", Money(100)),
        Movement(OCTOBER, "refund", "", Money(-50)),
    )
    draft = InvoiceDraft(1, OCTOBER, Money(5), lines, movements)
    assert draft.charges == Money(27)
    assert draft.services == Money(27 + 300 - 100)
    assert draft.moved == Money(1000 - 300 + 100 - 50 - 27)
    assert draft.closing == Money(5) + draft.moved


async def test_answers_belong_to_the_month_of_their_charge(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = newcomer(conn)
        pay_stars(conn, owner, "c", 1000, at(1, 0))
        ask(conn, owner, "begun-in-september", at(1, 0) + SECOND)
        ask(conn, owner, "last", at(1, 0, month=11) - MS)
        ask(conn, owner, "next-month", at(1, 0, month=11))
        october = draft_of(conn, owner, OCTOBER)
        assert [(line.day.day, line.answers) for line in october.lines] == [(1, 1), (31, 1)]
        assert [line.answers for line in draft_of(conn, owner, NOVEMBER).lines] == [1]

    await db.write(unit)


async def test_answers_of_a_day_are_summed_per_model(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = newcomer(conn)
        pay_stars(conn, owner, "c", 1000, at(1, 0))
        charges = [ask(conn, owner, f"r{hour}", at(5, hour)) for hour in (1, 23)]
        ask(conn, owner, "from-the-plan", at(6), markup=False)
        first, second = draft_of(conn, owner, OCTOBER).lines
        assert (first.model, first.answers, first.input_tokens, first.output_tokens) == ("auto", 2, 200, 100)
        assert (first.charge, first.allowance_tokens) == (charges[0] + charges[1], 0)
        assert (second.charge, second.allowance_tokens) == (ZERO, 150)

    await db.write(unit)


async def test_movements_have_their_kind_sign_and_stars(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = two_months(conn)
        october = draft_of(conn, owner, OCTOBER)
        assert [(each.kind, each.stars, each.amount > ZERO) for each in october.movements] == [
            ("topup", 1000, True),
            ("plan", 0, False),
            ("plan_credit", 0, True),
            ("refund", 1000, False),
        ]
        assert [each.per_star for each in october.movements] == [Money(13_000_000), ZERO, ZERO, Money(13_000_000)]
        november = draft_of(conn, owner, NOVEMBER, october.closing)
        assert [each.kind for each in november.movements] == ["credit", "repayment"]
        transfers.debit_or_owe(conn, owner, Money(5), kind="debit", to="house:x", ref="x", reason="fee", now=at(9))
        assert draft_of(conn, owner, OCTOBER).movements[-1] == Movement(date(2026, 10, 9), "other", "fee", Money(-5))
        transfers.adjust(conn, owner, Money(-3), ref="y", reason="mistake", now=at(10))
        taken = Movement(date(2026, 10, 10), "credit", "mistake", Money(-3))
        assert draft_of(conn, owner, OCTOBER).movements[-1] == taken

    await db.write(unit)


async def test_debt_is_that_of_the_months_end(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = newcomer(conn)
        pay_stars(conn, owner, "c", 100, at(2))
        charge = ask(conn, owner, "r1", at(3))
        refund_stars(conn, owner, "c", 100, at(4))
        transfers.credit(conn, owner, Money.usd("1"), ref="gift", reason="sorry", now=at(1, 0, month=11))
        assert draft_of(conn, owner, OCTOBER).owed == charge
        november = draft_of(conn, owner, NOVEMBER)
        assert november.owed == ZERO
        assert sum(each.amount.nanousd for each in november.movements) == 10**9 - charge.nanousd

    await db.write(unit)


async def test_next_draft_is_the_first_month_that_moved_money(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = newcomer(conn)
        ask(conn, owner, "from-the-plan", at(5), markup=False)
        assert drafts.next_draft(conn, owner, at(2, month=12)) is None
        pay_stars(conn, owner, "c", 10, at(1, 0, month=12) - MS)
        draft = drafts.next_draft(conn, owner, at(2, month=12))
        assert draft is not None
        assert (draft.month, draft.opening, draft.closing) == (NOVEMBER, ZERO, Money(130_000_000))
        assert drafts.next_draft(conn, owner, at(1, 1, month=12) - MS) is None

    await db.write(unit)


async def test_charges_alone_make_a_draft(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenants.create(conn, "Ann", PRO, now=FIRST)
        transfers.credit(conn, owner, Money.usd("1"), ref="gift", reason="", now=FIRST - timedelta(days=1))
        charge = ask(conn, owner, "r1", at(5))
        draft = drafts.next_draft(conn, owner, at(2, month=11))
        assert draft is not None
        assert (draft.movements, draft.charges) == ((), charge)

    await db.write(unit)


async def test_unknown_tenant_has_no_draft(db: Database) -> None:
    assert await db.read(lambda conn: drafts.next_draft(conn, 99, at(2, month=12))) is None


async def test_other_tenants_are_not_invoiced(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = two_months(conn)
        other = tenants.create(conn, "Bao", FREE, now=FIRST)
        pay_stars(conn, other, "c", 10, at(5))
        assert draft_of(conn, other, OCTOBER).lines == ()
        assert len(draft_of(conn, owner, OCTOBER).movements) == 4

    await db.write(unit)


async def test_draft_that_differs_from_the_ledger_is_refused(db: Database) -> None:
    """A charge whose attempt was deleted is missing in the lines, but not in the ledger."""
    owner = await db.write(two_months)
    await db.write(lambda conn: damage(conn, "DELETE FROM attempts WHERE request_id = 'r2'"))
    with pytest.raises(LedgerMismatch, match=f"tenant {owner}, 2026-10: lines sum to .*, the ledger to "):
        await db.read(lambda conn: draft_of(conn, owner, OCTOBER))
