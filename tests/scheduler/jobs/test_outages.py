from dataclasses import replace
from typing import cast

import pytest

from engine.money import Money
from engine.ports import Provider
from engine.tenancy import Plan
from scheduler.context import JobContext
from scheduler.jobs import outages
from scheduler.ports import Sent
from storage.alerts import incidents
from storage.alerts.admin_notices import CLAIM, Undelivered
from storage.database.connection import Connection
from storage.tenants import tenants
from tests.scheduler.conftest import (
    ADMIN,
    NOW,
    HandClock,
    Journal,
    Notifications,
    StandInProvider,
    capped,
    context_over,
)

_FREE = Plan(name="free", usd_per_month=Money(0), tokens_per_month=1, requests_per_minute=6, max_output_tokens=9)


def first_lines(notifier: Notifications) -> list[str]:
    return [text.splitlines()[0] for text in notifier.texts]


async def test_first_line_names_provider_error_and_count(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.answered("deepseek", 3)
    await journal.answered("gemini")
    await journal.failed("deepseek", "timeout", 5, status=None)
    await outages.run(context)
    (alert,) = notifier.texts
    assert alert.splitlines()[0] == "🔴 deepseek/m is down: timeout, 5 failures"
    assert "It carried 75 % of the traffic." in alert
    assert "Now gemini/m answers" in alert
    assert "429" not in alert
    (told,) = notifier.messages.values()
    assert [button.action for button in told.buttons] == ["ack", "mute", "drain", "probe"]


@pytest.mark.parametrize(
    ("may_lose", "now"), [("1.00", "Now openai/m answers"), ("0.002", "No other provider can answer")]
)
async def test_losing_offer_is_not_named_once_the_day_has_lost_enough(
    context: JobContext, journal: Journal, notifier: Notifications, may_lose: str, now: str
) -> None:
    """A typical prompt costs more at openai than `auto` charges."""
    await journal.answered("gemini", 3, nanousd=0)
    await journal.failed("deepseek", "timeout", 5)
    await journal.failed("gemini", "timeout", 5)
    await outages.run(capped(context, may_lose))
    assert all(now in alert for alert in notifier.texts[1:]), notifier.texts


async def test_four_failures_are_no_outage(context: JobContext, journal: Journal, notifier: Notifications) -> None:
    await journal.failed("deepseek", times=4)
    await journal.failed("deepseek", "bad_request", times=3, status=400)
    await outages.run(context)
    assert notifier.texts == []


async def test_rate_limited_answers_are_counted_in_the_alert(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.failed("deepseek", "rate_limited", 4, status=429)
    await journal.failed("deepseek", "timeout", 5, status=None)
    await outages.run(context)
    assert "It also answered 429 (rate limit) 4 times" in notifier.texts[0]


async def test_growing_incident_edits_its_message(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    for _ in range(4):
        await journal.failed("deepseek", times=5)
        await outages.run(context)
        await outages.run(context)
    (told,) = notifier.messages.values()
    assert told.text.splitlines()[0] == "🔴 deepseek/m is down: overloaded, 20 failures"
    assert told.edits == 3


async def test_recovery_is_a_reply_with_the_cost_of_the_detour(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.answered("deepseek")
    await journal.failed("deepseek", times=5)
    await outages.run(context)
    await journal.answered("gemini", 4)
    clock.move(minutes=10)
    await journal.answered("deepseek")
    await outages.run(context)
    alert, back = notifier.messages.values()
    assert back.reply_to == (ADMIN, 1)
    assert "deepseek/m is back after 10 min" in back.text
    assert "Meanwhile others answered 4 prompts for 0.4 ¢" in back.text
    assert "cost of the detour: 0.32 ¢" in back.text  # 1,000 + 500 tokens would have cost 0.0002 here
    assert "is down" in alert.text


async def test_flapping_is_one_incident_and_edits_both_messages(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    for _ in range(4):
        clock.move(minutes=2)
        await journal.failed("deepseek", times=5)
        await outages.run(context)
        await journal.answered("deepseek")
        await outages.run(context)
    assert len(notifier.messages) == 2
    alert, back = notifier.messages.values()
    assert "went down again: 3 times" in alert.text
    assert "is back" in back.text
    await journal.failed("deepseek", times=5)
    await outages.run(context)
    assert "is down again" in back.text


async def test_failure_after_reopen_seconds_is_a_new_incident(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    for _ in range(2):
        await journal.failed("deepseek", times=5)
        await outages.run(context)
        await journal.answered("deepseek")
        await outages.run(context)
        clock.move(seconds=601)
    assert len(notifier.messages) == 4


@pytest.mark.parametrize(
    ("outcome", "words"), [("key_refused", "refuses the API key"), ("balance_gone", "balance is used up")]
)
async def test_refused_key_and_empty_balance_replace_the_outage_at_once(
    context: JobContext, journal: Journal, notifier: Notifications, outcome: str, words: str
) -> None:
    await journal.failed("deepseek", "timeout", 5, status=None)
    await outages.run(context)
    await journal.failed("deepseek", outcome, status=401)
    await outages.run(context)
    await outages.run(context)
    assert first_lines(notifier)[1].startswith(f"🔴 deepseek is down: {outcome}")
    assert words in notifier.texts[1]
    assert [each.kind for each in await context.db.read(incidents.all_open)] == ["offer_down", outcome]
    await journal.answered("deepseek")
    await outages.run(context)
    assert [each.reply_to for each in notifier.messages.values()] == [None, None, (ADMIN, 1), (ADMIN, 2)]


async def test_one_refused_key_of_several_is_reported_once_and_is_no_outage(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    sellers = {**context.market.providers, "deepseek": cast("Provider", StandInProvider("deepseek", keys=2))}
    two_keys = replace(context, market=replace(context.market, providers=sellers))
    for _ in range(3):
        await journal.failed("deepseek", "key_refused", status=401)
        await journal.answered("deepseek")
        await outages.run(two_keys)
    (text,) = notifier.texts
    assert "deepseek refuses one of its API keys (key_refused)" in text


async def test_muted_incident_is_not_edited(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.failed("deepseek", times=5)
    await outages.run(context)
    until = clock.at.replace(hour=13)
    await context.db.write(lambda conn: incidents.mute(conn, [1], until))
    await journal.failed("deepseek", times=5)
    await outages.run(context)
    assert next(iter(notifier.messages.values())).edits == 0


async def test_two_processes_send_one_message(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    twin = context_over(context.db, clock, notifier)
    await journal.failed("deepseek", times=5)
    for each in (context, twin, context, twin):
        await outages.run(each)
    assert len(notifier.messages) == 1


async def test_incident_without_a_message_is_sent_by_the_next_run(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    class Dead(Notifications):
        async def deliver(self, *_: object, **__: object) -> Sent | Undelivered:
            raise RuntimeError("the power went")

    await journal.failed("deepseek", times=5)
    with pytest.raises(RuntimeError):
        await outages.run(replace(context, notifier=Dead()))
    clock.at += CLAIM
    await outages.run(context)
    assert len(notifier.messages) == 1


async def test_sick_model_is_an_incident_beside_a_healthy_one(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    """The healthy model's answers come between the failures, as in a real incident that was missed."""
    for _ in range(5):
        await journal.failed("openai", model="sick")
        await journal.answered("openai")
    await outages.run(context)
    assert first_lines(notifier) == ["🔴 openai/sick is down: overloaded, 5 failures"]
    assert [each.subject for each in await context.db.read(incidents.all_open)] == ["openai/sick"]
    await journal.answered("openai", model="sick")
    await outages.run(context)
    assert "openai/sick is back" in notifier.texts[1]


async def test_two_offers_down_together_are_one_incident_of_the_provider(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.failed("openai", times=5)
    await outages.run(context)
    await journal.failed("openai", times=5, model="other")
    await outages.run(context)
    assert first_lines(notifier) == ["🔴 openai is down: overloaded, 10 failures"], "the message has grown"
    assert [(each.kind, each.subject) for each in await context.db.read(incidents.all_open)] == [
        ("provider_down", "openai")
    ]


async def test_failed_connections_are_an_incident_of_the_provider(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.failed("openai", "unreachable", 5, status=None)
    await outages.run(context)
    assert first_lines(notifier) == ["🔴 openai is down: unreachable, 5 failures"]
    await journal.answered("openai", model="other")
    await outages.run(context)
    assert "openai is back" in notifier.texts[1]


async def test_cut_answers_are_an_incident(context: JobContext, journal: Journal, notifier: Notifications) -> None:
    await journal.failed("deepseek", "cut", 5, status=None, cut_after_ms=30)
    await outages.run(context)
    assert first_lines(notifier) == ["🔴 deepseek/m is down: cut, 5 failures"]


async def test_rarely_tried_offer_that_always_fails_is_an_incident(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    """After its first failures the offer is rarely tried: one attempt every few minutes, and all of them fail."""
    for _ in range(5):
        await journal.failed("deepseek", status=500)
        await journal.answered("gemini", 20)
        await outages.run(context)
        clock.move(minutes=4)
    assert first_lines(notifier) == ["🔴 deepseek/m is down: overloaded, 5 failures"]


async def test_answer_that_began_before_the_failures_and_ended_after_them_ends_no_outage(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.failed("deepseek", times=5)
    await journal.answered("deepseek", began_seconds_ago=10, duration_ms=10_500)
    await outages.run(context)
    assert len(notifier.texts) == 1
    await outages.run(context)
    assert [each.subject for each in await context.db.read(incidents.all_open)] == ["deepseek/m"]


async def test_open_request_delays_the_alert_while_it_may_be_answered_here(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    """Answers are journaled when they end, so a flaky offer with slow answers looks dead in the newest lines."""
    await journal.failed("deepseek", times=3)
    at = round(clock.at.timestamp() * 1000)
    await context.db.write(lambda conn: _open_hold(conn, at))
    await journal.failed("deepseek", times=3)
    await outages.run(context)
    assert notifier.texts == []
    clock.move(seconds=21)
    await outages.run(context)
    assert first_lines(notifier) == ["🔴 deepseek/m is down: overloaded, 6 failures"]


def _open_hold(conn: Connection, at: int) -> None:
    tenants.create(conn, "Ann", _FREE, now=NOW)
    conn.run(
        "INSERT INTO holds (request_id, epoch, tenant_id, key_month, state, wallet_nanousd, allowance_tokens, tokens,"
        " period_no, lease_id, created_at, charge_nanousd, charged_allowance_tokens)"
        " VALUES ('pending', 1, 1, 0, 'open', 0, 0, 0, 1, 'L', :at, 0, 0)",
        at=at,
    )
