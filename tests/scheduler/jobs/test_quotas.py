from dataclasses import replace

import pytest

from engine.money import Money
from scheduler.context import JobContext
from scheduler.jobs import quotas, tenant_notices
from storage.database.connection import Connection, month_of
from storage.ledger import transfers
from storage.tenants import api_keys, tenants
from storage.tenants.api_keys import KeySettings
from tests.scheduler.conftest import NOW, Notifications
from tests.storage.books import DOUBLE, hold_request, pay, take
from tests.storage.teams.crew import crew

USER = 5000


async def told(context: JobContext) -> None:
    await quotas.run(context)
    await tenant_notices.run(context)


async def spend(context: JobContext, tokens: int) -> None:
    """Create a tenant who has used `tokens` of an allowance of 1,000."""
    free = context.plans["free"]

    def unit(conn: Connection) -> None:
        owner = tenants.create(conn, "Ann", free, now=NOW, telegram_user_id=USER)
        conn.run("UPDATE accounts SET allowance_used_tokens = :n WHERE tenant_id = :id", n=tokens, id=owner)

    await context.db.write(unit)


@pytest.mark.parametrize(("tokens", "words"), [(800, "used 80 %"), (1000, "are used up")])
async def test_crossed_quota_is_notified_once_with_its_buttons(
    context: JobContext, notifier: Notifications, tokens: int, words: str
) -> None:
    await spend(context, tokens)
    for _ in range(2):
        await told(context)
    ((reader, _),) = notifier.messages
    (message,) = notifier.messages.values()
    assert reader == USER
    assert words in message.text
    assert [button.command for button in message.buttons] == ["topup", "plan"]


async def test_quota_below_the_first_percent_is_not_notified(context: JobContext, notifier: Notifications) -> None:
    await spend(context, 799)
    await told(context)
    assert notifier.texts == []


async def test_percents_come_from_the_config(context: JobContext, notifier: Notifications) -> None:
    await spend(context, 500)
    await told(replace(context, quota_percent=(50, 100)))
    assert "used 50 %" in notifier.texts[0]


async def wallet_of(context: JobContext, usd: str, *, spends: bool) -> None:
    """Create a tenant with `usd` in the wallet, who has paid for an answer if `spends`."""
    free = context.plans["free"]

    def unit(conn: Connection) -> None:
        owner = tenants.create(conn, "Ann", free, now=NOW, telegram_user_id=USER)
        transfers.credit(conn, owner, Money.usd(usd), ref="gift", reason="", now=NOW)
        if spends:
            asked = hold_request(owner, tariff=DOUBLE)
            pay(conn, asked, take(conn, asked))

    await context.db.write(unit)


@pytest.mark.parametrize(("usd", "spends", "count"), [("0.5", True, 1), ("0.5", False, 0), ("5", True, 0)])
async def test_low_wallet_is_notified_once_after_spending_from_it(
    context: JobContext, notifier: Notifications, usd: str, *, spends: bool, count: int
) -> None:
    await wallet_of(context, usd, spends=spends)
    for _ in range(2):
        await told(context)
    assert len([text for text in notifier.texts if "Your wallet is down to" in text]) == count


async def test_teams_owner_is_told_once_by_its_name_with_the_button_of_the_team(
    context: JobContext, notifier: Notifications
) -> None:
    def unit(conn: Connection) -> None:
        team, *_ = crew(conn, "0.5")
        asked = hold_request(team, tariff=DOUBLE)
        pay(conn, asked, take(conn, asked))

    await context.db.write(unit)
    for _ in range(2):
        await told(context)
    ((reader, _),) = notifier.messages
    (message,) = notifier.messages.values()
    assert reader == 1001
    assert message.text.startswith("The wallet of your team `Tea house` is down to")
    assert [button.command for button in message.buttons] == ["team"]


@pytest.mark.parametrize(("used", "words"), [(800, "80 %"), (1000, "used all 1,000 tokens")])
async def test_key_near_its_limit_is_notified_with_its_button(
    context: JobContext, notifier: Notifications, used: int, words: str
) -> None:
    free = context.plans["free"]

    def unit(conn: Connection) -> None:
        owner = tenants.create(conn, "Ann", free, now=NOW, telegram_user_id=USER)
        key = api_keys.new_key()
        api_keys.add(conn, owner, key, KeySettings(name="laptop", tokens_per_month=1000), NOW)
        conn.run("UPDATE api_keys SET used_tokens = :n, month = :month", n=used, month=month_of(NOW))

    await context.db.write(unit)
    for _ in range(2):
        await told(context)
    (message,) = notifier.messages.values()
    assert words in message.text
    assert [button.command for button in message.buttons] == ["keys"]
