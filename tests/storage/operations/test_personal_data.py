import json
from datetime import timedelta
from typing import Any

import pytest

from engine.chat import Role, says
from engine.money import Money
from storage.alerts import tenant_notices
from storage.alerts.tenant_notices import TenantNotice
from storage.database.connection import Connection, row, scalar
from storage.database.database import Database
from storage.invoices import invoices
from storage.ledger import transfers
from storage.operations import idempotency, personal_data
from storage.operations.idempotency import Replay
from storage.tables import metadata
from storage.telegram import conversation_list, conversation_memory, conversations, inbox, questions
from storage.telegram.inbox import CHAT, IncomingUpdate
from storage.telegram.inbox import NOW as AT_ONCE
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Place
from storage.tenants import api_keys, personas, stored_responses, tenant_settings, tenants
from storage.tenants.api_keys import KeySettings
from storage.tenants.stored_responses import StoredResponse
from tests.storage.books import DOUBLE, FREE, NOW, check_books, hold_request, pay, take
from tests.storage.invoiced import SELLER, at, two_months
from tests.storage.shop import paid, plan_order, refunded, topup_order

USER = 1001
BOT = 7


def person(conn: Connection, user: int = USER) -> int:
    """Create a tenant with a wallet, a paid answer in a conversation, and an API key."""
    owner = tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=user, username="ann")
    transfers.credit(conn, owner, Money.usd("1"), ref=f"gift:{owner}", reason="a gift", now=NOW)
    asked = hold_request(owner, f"tg:{user}:1", tariff=DOUBLE)
    pay(conn, asked, take(conn, asked))
    said = [says(Role.USER, "my secret question"), says(Role.ASSISTANT, "my secret answer")]
    conversations.append(conn, user, 0, owner, f"tg:{user}:1", said, NOW)
    api_keys.add(conn, owner, api_keys.new_key(), KeySettings(name="dev"), NOW)
    return owner


def replayable(conn: Connection, owner: int, key: str, *, finished: bool) -> None:
    idempotency.begin(
        conn,
        owner,
        key,
        body_sha256="b",
        lease_id="L",
        holder_is_dead=False,
        request_id=key,
        now=NOW,
    )
    if finished:
        idempotency.finish(conn, owner, key, key, 200, "my secret answer", {"x": "y"})


def export(conn: Connection, owner: int) -> dict[str, Any]:
    return personal_data.export(conn, owner, NOW)


async def test_export_has_everything_of_the_tenant(db: Database) -> None:
    def unit(conn: Connection) -> tuple[dict[str, Any], str]:
        owner, _ = person(conn), person(conn, 2002)
        return export(conn, owner), str(scalar(conn, "SELECT sha256 FROM api_keys WHERE tenant_id = :id", id=owner))

    found, digest = await db.write(unit)
    assert (found["account"]["name"], found["account"]["wallet"]) == ("Ann", Money.usd("1") - Money(300_000))
    assert [(each["role"], each["parts"]) for each in found["messages"]] == [
        ("user", [{"text": "my secret question"}]),
        ("assistant", [{"text": "my secret answer"}]),
    ]
    assert [(each["kind"], each["amount_usd"]) for each in found["wallet"]] == [
        ("credit", Money.usd("1")),
        ("charge", Money(-300_000)),
    ]
    assert found["wallet"][0]["at"] == NOW
    assert [each["name"] for each in found["keys"]] == ["dev"]
    assert digest not in str(found)


async def test_export_has_no_costs_of_the_operator(db: Database) -> None:
    def unit(conn: Connection) -> dict[str, Any]:
        return export(conn, person(conn))

    found = await db.write(unit)
    (used,), (receipt,) = found["usage"], found["receipts"]
    assert (used["prompts"], used["charge"]) == (1, Money(300_000))
    assert {"cost", "waste", "allowance_worth"} & set(used) == set()
    assert (receipt["charge_usd"], receipt["allowance_tokens"]) == (Money(300_000), 0)
    assert [attempt["usage"]["input_tokens"] for attempt in receipt["attempts"]] == [100]
    assert {"cost", "waste", "detail"} & set(receipt["attempts"][0]) == set()


async def test_export_has_payments_orders_and_subscription_in_usd(db: Database) -> None:
    def unit(conn: Connection) -> dict[str, Any]:
        paid(conn, topup_order(conn), "c1")
        paid(conn, plan_order(conn), "c2", after=timedelta(hours=1))
        refunded(conn, "c1", after=timedelta(hours=2))
        owner = tenants.by_telegram(conn, USER)
        assert owner is not None
        return export(conn, owner.id)

    found = await db.write(unit)
    first, second = found["payments"]
    assert (first["credited_usd"], first["paid_at"]) == (Money.usd("5.005"), NOW)
    assert (first["refunded_at"], second["refunded_at"]) == (NOW + timedelta(hours=2), None)
    assert second["subscription_until"] == NOW + timedelta(days=30, hours=1)
    assert [each.get("price_usd") for each in found["orders"]] == [None, Money.usd("9")]
    assert [each["state"] for each in found["subscription"]] == ["active"]


async def test_export_has_the_invoices(db: Database) -> None:
    owner = await db.write(two_months)
    await invoices.issue_due(db, owner, SELLER, at(2, month=12))
    found = await db.read(lambda conn: personal_data.export(conn, owner, at(2, month=12)))
    numbers = [(each["number"], each["month"]) for each in found["invoices"]]
    assert numbers == [("F-000002", "2026-11"), ("F-000001", "2026-10")]


async def test_export_of_an_unknown_tenant_is_an_error(db: Database) -> None:
    with pytest.raises(LookupError, match="99"):
        await db.read(lambda conn: export(conn, 99))


async def test_deletion_leaves_no_words_and_no_name(db: Database) -> None:
    def unit(conn: Connection) -> tuple[int, str]:
        owner = person(conn)
        replayable(conn, owner, "done", finished=True)
        updates = [IncomingUpdate(1, f"{USER}:0", CHAT, "my secret question")]
        inbox.store(conn, BOT, updates, NOW)
        said = [{"content": "my secret question"}]
        questions.store(conn, owner, Place(BOT, USER, 0, 5), QuestionContent("my secret question"), NOW)
        tenant_notices.queue(conn, [TenantNotice(USER, "alert.team_lapsed", {"team": "my secret team"})], NOW)
        assert [each["values"] for each in export(conn, owner)["notices"]] == [{"team": "my secret team"}]
        assert [each["content"]["text"] for each in export(conn, owner)["questions"]] == ["my secret question"]
        personas.add(conn, owner, "a secret", "my secret persona")
        api_keys.add(conn, owner, api_keys.new_key(), KeySettings(name="my secret laptop"), NOW)
        conversation = conversations.open_conversation(conn, USER, 0, NOW)
        conversation_list.give_title(conn, conversation, "my secret title")
        conversation_memory.store_summary(conn, conversation, "my secret summary", 9)
        conversation_memory.choose_persona(conn, USER, 0, "own:1", NOW)
        tenant_settings.set_setting(conn, owner, "instructions", "my secret instructions")
        found = export(conn, owner)
        (told,) = found["conversations"]
        assert (told["title"], told["summary"], told["persona"]) == ("my secret title", "my secret summary", "own:1")
        assert [each["name"] for each in found["personas"]] == ["a secret"]
        assert found["account"]["settings"]["instructions"] == "my secret instructions"
        stored_responses.store(conn, StoredResponse("r", owner, None, said, said, "my secret answer"), NOW)
        assert export(conn, owner)["responses"] == [{"id": "r", "input": said, "output": said}]
        deleted = personal_data.forget(conn, owner, USER, NOW)
        check_books(conn)
        tables = [table.name for table in metadata.sorted_tables]
        return deleted, str([list(found.values()) for table in tables for found in conn.rows(f"SELECT * FROM {table}")])

    deleted, left = await db.write(unit)
    assert deleted == 2
    assert "secret" not in left
    assert "Ann" not in left


async def test_deletion_keeps_the_money_and_other_tenants(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner, other = person(conn), person(conn, 2002)
        inbox.store(conn, BOT, [IncomingUpdate(1, "2002:0", CHAT, "theirs")], NOW)
        before = transfers_of(conn, owner)
        personal_data.forget(conn, owner, USER, NOW)
        assert transfers_of(conn, owner) == before
        found = export(conn, other)
        assert (found["account"]["name"], len(found["messages"]), len(found["receipts"])) == ("Ann", 2, 1)
        assert [each.update_id for each in inbox.waiting(conn, BOT, NOW)] == [1]
        assert conversations.history(conn, 2002, 0) != ()

    await db.write(unit)


def transfers_of(conn: Connection, owner: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = export(conn, owner)["wallet"]
    return found


async def test_deletion_ends_the_open_conversation(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = person(conn)
        personal_data.forget(conn, owner, USER, NOW)
        assert not conversations.reset(conn, USER, 0, NOW)

    await db.write(unit)


async def test_deletion_leaves_claimed_and_urgent_updates_alone(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = person(conn)
        keys = ((1, CHAT), (2, AT_ONCE), (3, CHAT))
        inbox.store(conn, BOT, [IncomingUpdate(n, f"{USER}:0", lane, "words") for n, lane in keys], NOW)
        inbox.store(conn, BOT, [IncomingUpdate(4, f"{USER}1:0", CHAT, "another user's")], NOW)
        claimed = inbox.claim_next(conn, BOT, f"{USER}:0", "L")
        assert claimed is not None
        personal_data.forget(conn, owner, USER, NOW)
        assert [each.update_id for each in inbox.waiting(conn, BOT, NOW)] == [2, 4]
        assert inbox.finish(conn, claimed.id, claimed.epoch, NOW)

    await db.write(unit)


async def test_deleted_answer_is_replayed_as_an_error(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = person(conn)
        replayable(conn, owner, "done", finished=True)
        replayable(conn, owner, "running", finished=False)
        personal_data.forget(conn, owner, USER, NOW)
        verdict = idempotency.begin(
            conn, owner, "done", body_sha256="b", lease_id="L", holder_is_dead=False, request_id="new", now=NOW
        )
        assert isinstance(verdict, Replay)
        assert (verdict.status, verdict.headers) == (410, {"content-type": "application/json"})
        assert json.loads(verdict.body)["error"]["code"] == "answer_deleted"
        unfinished = row(conn, "SELECT state, body FROM idempotency WHERE key = 'running'")
        assert unfinished is not None
        assert (unfinished["state"], unfinished["body"]) == ("running", "")

    await db.write(unit)


EXPORTED_OR_DELETED = {
    "api_keys",
    "app_tokens",
    "conversations",
    "idempotency",
    "inbox",
    "invoices",
    "scheduled_prompts",
    "member_shares",
    "messages",
    "orders",
    "payments",
    "personas",
    "questions",
    "receipts",
    "stored_responses",
    "subscriptions",
    "team_members",
    "tenant_days",
    "tenant_notices",
    "tenants",
    "transfers",
}
WITHOUT_PERSONAL_DATA = {
    "accounts": "balances, which are the sums of the exported transfers",
    "attempts": "numbers of each call, exported as sums of days; named by the tenant's number only",
    "code_tries": "the times of wrong codes",
    "groups": "a group's title and its wallet, which no person owns",
    "holds": "amounts of answers, exported as transfers and usage",
    "operator_actions": "who of the operators changed an account; named by the tenant's number only",
    "outbox": "the text is deleted as soon as it is sent; held answers are deleted",
    "returned_charges": "amounts of answers, exported as transfers and usage",
}


def test_every_table_about_a_tenant_is_exported_or_deleted_or_has_a_reason_not_to_be() -> None:
    owners = {"tenant_id", "chat_id", "chat_key", "user_id", "telegram_user_id"}
    about_tenants = {table.name for table in metadata.sorted_tables if owners & set(table.columns.keys())}
    known = EXPORTED_OR_DELETED | WITHOUT_PERSONAL_DATA.keys()
    assert about_tenants - known == set(), "export and delete these in personal_data.py, and add them to a set above"
    assert known - about_tenants == set()
