from dataclasses import replace
from typing import cast

import pytest

from engine.catalog.offers import Offer
from engine.errors import Unreachable
from engine.ports import Provider
from engine.routing.health import Permit
from scheduler.context import JobContext
from scheduler.jobs import outages
from storage.operations import incidents
from tests.scheduler.conftest import ADMIN, HandClock, Journal, Notifications, StandInProvider, capped, context_over


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
    assert alert.splitlines()[0] == "🔴 deepseek is down: timeout, 5 failures"
    assert "It carried 75 % of the traffic." in alert
    assert "Now gemini/m answers" in alert
    assert "429" not in alert
    (told,) = notifier.messages.values()
    assert [button.action for button in told.buttons] == ["mute", "drain", "probe"]


@pytest.mark.parametrize(
    ("may_lose", "now"), [("1.00", "Now openai/m answers"), ("0.002", "No other provider can answer")]
)
async def test_losing_offer_is_not_named_once_the_day_has_lost_enough(
    context: JobContext, journal: Journal, notifier: Notifications, may_lose: str, now: str
) -> None:
    """A usual prompt costs more at openai than `auto` charges."""
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


async def test_half_of_a_busy_minute_failing_is_an_outage(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    for _ in range(12):
        await journal.failed("deepseek")
        await journal.answered("deepseek")
    await outages.run(context)
    assert first_lines(notifier) == ["🔴 deepseek is down: overloaded, 12 failures"]


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
    assert told.text.splitlines()[0] == "🔴 deepseek is down: overloaded, 20 failures"
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
    assert "deepseek is back after 10 min" in back.text
    assert "Meanwhile others answered 4 prompts for 0.004 USD" in back.text
    assert "cost of the detour: 0.0032 USD" in back.text  # 1,000 + 500 tokens would have cost 0.0002 here
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
    assert [each.kind for each in await context.db.read(incidents.all_open)] == [outcome]
    await journal.answered("deepseek")
    await outages.run(context)
    assert len([text for text in notifier.texts if "is back" in text]) == 1


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
    await context.db.write(lambda conn: incidents.mute(conn, 1, until))
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
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    class Dead(Notifications):
        async def notify_admins(self, *_: object, **__: object) -> list[tuple[int, int]]:
            raise RuntimeError("the power went")

    await journal.failed("deepseek", times=5)
    with pytest.raises(RuntimeError):
        await outages.run(replace(context, notifier=Dead()))
    await outages.run(context)
    assert len(notifier.messages) == 1


async def test_prompt_that_failed_everywhere_is_reported_within_one_run(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.failed("none", "no_provider", status=None)
    first = clock.now()
    clock.move(minutes=1)
    await outages.run(context)
    (alert,) = notifier.texts
    assert alert.startswith(f"🚨 Everything is down: 1 prompt failed at every provider since {first:%H:%M:%S} UTC.")
    clock.move(minutes=3)
    await journal.answered("gemini")
    await outages.run(context)
    assert "answered again, after 3 min" in notifier.texts[1]


async def test_all_providers_resting_is_reported_without_traffic(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    health = context.market.health
    for name in ("deepseek", "gemini", "openai"):
        for _ in range(5):
            permit = health.admit(Offer(name, "m"))
            assert isinstance(permit, Permit)
            health.failed(permit, Unreachable("gone"))
    await outages.run(context)
    await outages.run(context)
    (alert,) = notifier.texts
    assert "every provider is cooling down or out of service" in alert
    clock.move(seconds=90)
    await outages.run(context)
    assert "answered again" in notifier.texts[1]
