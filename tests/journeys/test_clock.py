from dataclasses import replace
from datetime import timedelta
from types import ModuleType

import pytest

from main.front_ends import job_context
from scheduler.context import JobContext
from scheduler.jobs import expire_holds, outages, probe_providers, quotas, renew_plans, tenant_notices
from tests.journeys.conftest import ANN, BAO, OLGA, Journey

pytestmark = pytest.mark.usefixtures("no_early_attempts", "no_pauses")
LONG = "tell me about tea at length"


def context_of(journey: Journey) -> JobContext:
    return job_context(journey.container, journey.bot)


async def run_and_tell(job: ModuleType, desk: JobContext) -> None:
    """Run a job that stores notices to tenants, and deliver them."""
    await job.run(desk)
    await tenant_notices.run(desk)


def told(journey: Journey, user: int, words: str) -> list[str]:
    texts = [message.get("text", "") for message in journey.sandbox.world.messages(user)]
    return [text for text in texts if words in text]


async def test_outage_is_one_message_and_the_recovery_a_reply(journey: Journey) -> None:
    desk = context_of(journey)
    journey.sandbox.stand_ins.set_mode("deepseek", "down")
    for number in range(6):
        await journey.ask(f"{LONG} {number}")
    for _ in range(3):
        await outages.run(desk)
    (alert,) = told(journey, OLGA, "is down")
    assert alert.splitlines()[0] == "🔴 deepseek/deepseek-v4-flash is down: overloaded, 5 failures"
    assert "gemini/gemini-2.5-flash-lite answers" in alert
    await journey.press("I am on it", OLGA)
    await journey.idle()
    await outages.run(desk)
    (alert,) = told(journey, OLGA, "is down")
    assert alert.splitlines()[-1] == "✓ Olga is on it."
    journey.sandbox.stand_ins.set_mode("deepseek", "up")
    journey.container.market.health.restore("deepseek")
    await journey.ask(LONG)
    await outages.run(desk)
    await outages.run(desk)
    (back,) = told(journey, OLGA, "is back")
    assert "others answered" in back


async def test_flapping_outage_is_one_message_and_one_reply(journey: Journey) -> None:
    desk, health = context_of(journey), journey.container.market.health
    for turn in range(3):
        journey.sandbox.stand_ins.set_mode("deepseek", "down")
        for number in range(6):
            await journey.ask(f"{LONG} {turn} {number}")
        await outages.run(desk)
        journey.sandbox.stand_ins.set_mode("deepseek", "up")
        health.restore("deepseek")
        await journey.ask(f"{LONG} {turn}")
        await outages.run(desk)
    (alert,) = told(journey, OLGA, "is down:")
    assert "It came back and went down again: 2 times so far." in alert
    (back,) = told(journey, OLGA, "is back")
    assert back.startswith("🟢 deepseek/deepseek-v4-flash is back")


async def test_answers_that_break_off_are_an_outage(journey: Journey) -> None:
    """The connection breaks within each answer of one offer; others answer completely."""
    journey.sandbox.stand_ins.set_mode("deepseek", "cut")
    for number in range(5):
        await journey.ask(f"{LONG} {number}")
        await outages.run(context_of(journey))
        assert bool(told(journey, OLGA, "is down")) is (number == 4)
    (alert,) = told(journey, OLGA, "is down")
    assert alert.splitlines()[0] == "🔴 deepseek/deepseek-v4-flash is down: cut, 5 failures"
    rows = await journey.rows("SELECT COUNT(*) AS n FROM attempts WHERE kept AND provider <> 'deepseek'")
    assert rows == [{"n": 5}]


async def test_one_failure_is_shown_to_operators_and_alerted_to_no_one(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "down")
    await journey.ask(LONG)
    journey.sandbox.stand_ins.set_mode("deepseek", "up")
    await outages.run(context_of(journey))
    await journey.ask("/providers", OLGA)
    (listed,) = told(journey, OLGA, "Providers")
    assert "🟡 deepseek: failing (" in listed
    assert "deepseek-v4-flash failed at its latest attempts" in listed
    assert not told(journey, OLGA, "is down")


async def test_refused_key_is_alerted_at_once(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "key_refused")
    await journey.ask(LONG)
    await outages.run(context_of(journey))
    (alert,) = told(journey, OLGA, "is down")
    assert "key_refused" in alert


async def test_everything_down_is_alerted_within_one_run(journey: Journey) -> None:
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        journey.sandbox.stand_ins.set_mode(name, "down")
    await journey.ask(LONG)
    await outages.run(context_of(journey))
    assert len(told(journey, OLGA, "Everything is down")) == 1


async def test_probe_ends_an_outage_without_traffic(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "key_refused")
    await journey.ask(LONG)
    await probe_providers.run(context_of(journey))
    assert journey.container.market.health.state("deepseek").state == "resting"
    journey.sandbox.stand_ins.set_mode("deepseek", "up")
    await probe_providers.run(context_of(journey))
    assert journey.container.market.health.state("deepseek").state == "closed"


async def test_quota_is_notified_once_per_period(journey: Journey) -> None:
    await journey.ask(LONG)
    await journey.idle()
    sql = "UPDATE accounts SET allowance_tokens = allowance_used_tokens + 150 WHERE allowance_used_tokens > 0"
    await journey.container.db.write(lambda conn: conn.run(sql))
    for _ in range(2):
        await run_and_tell(quotas, replace(context_of(journey), quota_percent=(20, 100)))
    assert len(told(journey, ANN, "% of your plan's tokens")) == 1


async def test_periods_renew_and_unpaid_plans_lapse(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.confirm("/setplan 1 starter", OLGA)
    desk = context_of(journey)
    past = int((desk.clock.now() - timedelta(days=2)).timestamp() * 1000)
    await journey.container.db.write(lambda conn: conn.run("UPDATE accounts SET period_end_at = :past", past=past))
    await run_and_tell(renew_plans, desk)
    plans = {row["telegram_user_id"]: row["plan"] for row in await journey.rows("SELECT * FROM tenants")}
    assert plans[ANN] == "free"
    assert len(told(journey, ANN, "was not renewed")) == 1
    await journey.check_books()


async def test_holds_of_a_dead_process_expire(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.container.db.write(
        lambda conn: conn.run(
            "INSERT INTO holds (request_id, epoch, tenant_id, key_month, state, wallet_nanousd, allowance_tokens,"
            " tokens, period_no, lease_id, created_at, charge_nanousd, charged_allowance_tokens)"
            " VALUES ('r', 1, 1, 0, 'open', 0, 10, 10, 1, 'dead', 0, 0, 0)"
        )
    )
    await journey.container.db.write(
        lambda conn: conn.run("UPDATE accounts SET allowance_held_tokens = 10 WHERE tenant_id = 1")
    )
    await expire_holds.run(context_of(journey))
    assert [hold["state"] for hold in await journey.rows("SELECT state FROM holds")] == ["expired"]
    assert [
        books["allowance_held_tokens"] for books in await journey.rows("SELECT * FROM accounts WHERE tenant_id = 1")
    ] == [0]
    await journey.check_books()


async def test_jobs_write_in_the_readers_language(journey: Journey) -> None:
    await journey.ask("/start", BAO)
    await journey.container.db.write(lambda conn: conn.run("UPDATE accounts SET allowance_used_tokens = 85000"))
    await run_and_tell(quotas, context_of(journey))
    assert len(told(journey, BAO, "Bạn đã dùng 80 % token")) == 1
