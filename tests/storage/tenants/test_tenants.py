"""Creation, lookup and state of tenants."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from engine.money import ZERO, Money
from engine.tenancy import Tenant
from storage.billing import plans
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger.transfers import debit_or_owe, post, wallet_of
from storage.tenants import tenant_settings, tenants
from storage.tenants.tenants import TenantState
from tests.storage.books import DOUBLE, FREE, NOW, PRO, account, hold_request, take, tenant

ANN = 1001
contact = partial(tenants.ensure_telegram, user_id=ANN, name="Ann", username="ann", language="", plan=FREE, now=NOW)


def state_of(conn: Connection, tenant_id: int) -> TenantState:
    state = tenants.state(conn, tenant_id)
    assert state is not None
    return state


async def test_first_contact_creates_a_tenant_on_the_given_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        state, created = contact(conn, language="vi")
        assert created
        assert (state.telegram_user_id, state.name, state.username, state.language) == (ANN, "Ann", "ann", "vi")
        assert (state.plan, state.period_no, state.period_start) == ("free", 1, NOW)
        assert state.renews_at == NOW + timedelta(days=30)
        assert (state.allowance_tokens, state.allowance_left_tokens) == (1_000, 1_000)
        assert (state.wallet, state.held, state.owed) == (ZERO, ZERO, ZERO)
        assert (state.banned, state.blocked, state.is_admitted, state.settings) == (False, False, True, {})
        assert state.created_at == NOW
        again, created = contact(conn)
        assert (again, created) == (state, False)

    await db.write(unit)


async def test_access_of_the_first_contact_is_not_changed_by_later_ones(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert not contact(conn, access=tenants.PENDING)[0].is_admitted
        assert contact(conn)[0].access == tenants.PENDING

    await db.write(unit)


@pytest.mark.parametrize("change", [{"name": "Anna"}, {"username": "anna"}, {"username": ""}])
async def test_contact_updates_a_changed_name(db: Database, change: dict[str, Any]) -> None:
    def unit(conn: Connection) -> None:
        contact(conn)
        contact(conn, **change)
        state = tenants.by_telegram(conn, ANN)
        assert state is not None
        assert {"name": state.name, "username": state.username} == {"name": "Ann", "username": "ann"} | change

    await db.write(unit)


async def test_erased_name_is_not_stored_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made, _ = contact(conn)
        tenant_settings.forget_name(conn, made.id)
        contact(conn, name="Anna")
        state = state_of(conn, made.id)
        assert (state.name, state.username, state.is_nameless) == ("", "", True)

    await db.write(unit)


async def test_creating_a_known_telegram_user_returns_the_existing_tenant(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=ANN)
        assert tenants.create(conn, "Other", PRO, now=NOW, telegram_user_id=ANN) == first
        assert (state_of(conn, first).name, state_of(conn, first).plan) == ("Ann", "free")
        assert tenants.create(conn, "No Telegram", FREE, now=NOW) != tenants.create(conn, "Nor this", FREE, now=NOW)
        assert tenants.count(conn) == 3

    await db.write(unit)


async def test_state_reflects_holds_and_debts(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        grant = take(conn, hold_request(owner, "a", tariff=DOUBLE))
        taken = take(conn, hold_request(owner, "b", input_tokens=100, output_tokens=100))
        state = state_of(conn, owner)
        assert (state.wallet, state.held) == (Money.usd("1"), grant.wallet)
        assert state.allowance_left_tokens == 1_000 - taken.allowance_tokens
        conn.run("UPDATE accounts SET allowance_used_tokens = 30")
        assert state_of(conn, owner).allowance_left_tokens == 970 - taken.allowance_tokens
        debit_or_owe(conn, owner, Money.usd("2"), kind="x", to="house:x", ref="x", reason="", now=NOW)
        assert state_of(conn, owner).owed == Money.usd("1") + grant.wallet

    await db.write(unit)


async def test_tenant_is_found_by_its_id_before_its_telegram_id(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = tenants.create(conn, "First", FREE, now=NOW)
        second = tenants.create(conn, "Second", FREE, now=NOW, telegram_user_id=first)
        third = tenants.create(conn, "Third", FREE, now=NOW, telegram_user_id=777_777)
        found = [tenants.find(conn, text) for text in (str(first), str(second), "777777", "888888", "x", "-1")]
        assert [each and each.id for each in found] == [first, second, third, None, None, None]

    await db.write(unit)


async def test_pages_list_tenants_by_id(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ids = [tenants.create(conn, "T", FREE, now=NOW, telegram_user_id=100 + n) for n in range(4)]
        assert [each.id for each in tenants.page(conn, ids[0], 2)] == ids[1:3]
        assert [each.id for each in tenants.page(conn, 0, 9, telegram_user_id=103)] == [ids[3]]
        assert tenants.page(conn, ids[3], 9, telegram_user_id=103) == []
        assert [each.id for each in tenants.newest(conn, None, 2)] == ids[:1:-1]
        assert [each.id for each in tenants.newest(conn, ids[2], 9)] == ids[1::-1]

    await db.write(unit)


async def test_waiting_lists_pending_tenants_oldest_first(db: Database) -> None:
    def unit(conn: Connection) -> None:
        accesses = (tenants.PENDING, tenants.ADMITTED, tenants.DECLINED, tenants.PENDING)
        ids = [tenants.create(conn, "T", FREE, now=NOW, access=access) for access in accesses]
        assert [each.id for each in tenants.waiting(conn)] == [ids[0], ids[3]]
        assert [each.id for each in tenants.waiting(conn, 1)] == [ids[0]]

    await db.write(unit)


async def test_new_telegram_users_are_counted_from_a_moment(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in range(3):
            tenants.create(conn, "T", FREE, now=NOW + timedelta(hours=number), telegram_user_id=100 + number)
        tenants.create(conn, "No Telegram", FREE, now=NOW + timedelta(hours=2))
        assert tenants.new_since(conn, NOW + timedelta(hours=1)) == 2
        assert tenants.new_since(conn, NOW + timedelta(hours=3)) == 0

    await db.write(unit)


async def test_payment_of_the_current_period_is_found(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "40")
        assert tenants.paid_for_period(conn, state_of(conn, owner)) == ZERO
        post(conn, kind="plan", debit=wallet_of(owner), credit="house:plans", amount=Money.usd("29"),
             tenant_id=owner, ref="plan:1", now=NOW)  # fmt: skip
        conn.run("UPDATE accounts SET period_ref = 'plan:1' WHERE tenant_id = :id", id=owner)
        assert tenants.paid_for_period(conn, state_of(conn, owner)) == Money.usd("29")
        plans.start_plan(conn, owner, FREE, NOW)
        assert tenants.paid_for_period(conn, state_of(conn, owner)) == ZERO
        assert account(conn, owner)["period_no"] == 2

    await db.write(unit)


async def test_engines_tenant_is_banned_until_it_is_admitted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        state, _ = contact(conn)
        plans_known = {"free": FREE, "pro": PRO}
        assert state.tenant(plans_known) == Tenant(state.id, FREE, "Ann", ANN, False)
        for change in ({"banned": True}, {"access": tenants.PENDING}, {"access": tenants.DECLINED}):
            assert replace(state, **change).tenant(plans_known).banned

    await db.write(unit)


async def test_plan_that_is_no_longer_configured_is_the_first_plan(db: Database) -> None:
    state, _ = await db.write(contact)
    assert replace(state, plan="gone").tenant({"pro": PRO, "free": FREE}).plan == PRO


async def test_chosen_language_has_precedence_over_the_apps(db: Database) -> None:
    def unit(conn: Connection) -> None:
        state, _ = contact(conn)
        assert state.shown_language == ""
        tenant_settings.set_setting(conn, state.id, tenants.APP_LANGUAGE, "vi")
        assert state_of(conn, state.id).shown_language == "vi"
        tenant_settings.set_language(conn, state.id, "en")
        assert state_of(conn, state.id).shown_language == "en"

    await db.write(unit)


async def test_unknown_tenant_has_no_state(db: Database) -> None:
    assert await db.read(lambda conn: tenants.state(conn, 99)) is None
    assert await db.read(lambda conn: tenants.by_telegram(conn, 99)) is None
