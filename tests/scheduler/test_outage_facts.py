"""The values of the messages about an outage."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.catalog.offers import Offer
from engine.money import Money
from scheduler.context import JobContext
from scheduler.journal_replay import Failures, RecentAttempts
from scheduler.outage_facts import (
    avoided_facts,
    avoided_values,
    minutes_between,
    outage_facts,
    outage_values,
    recovery_values,
    subjects_out,
)
from storage.alerts import incidents
from tests.scheduler.conftest import NOW, HandClock, Journal, capped

FACTS = {"provider": "deepseek", "error": "timeout", "count": 5, "limited": 0, "status": None, "offer": "", "usd": ""}


TIMEOUTS = Failures(count=5, since=NOW + timedelta(seconds=1), last_outcome="timeout", last_status=504)


async def test_facts_name_the_error_the_traffic_and_the_next_offer(context: JobContext, journal: Journal) -> None:
    await journal.answered("deepseek", 3)
    await journal.answered("gemini")
    await journal.failed("deepseek", "timeout", 5, status=504)
    facts = await outage_facts(context, "deepseek", TIMEOUTS, context.clock.now())
    assert (facts["error"], facts["count"], facts["status"], facts["share"]) == ("timeout", 5, 504, 75)
    assert facts["offer"] == "gemini/m"
    assert float(facts["usd"]) > 0


async def test_provider_with_an_open_incident_is_not_the_next_offer(context: JobContext, journal: Journal) -> None:
    await journal.failed("deepseek", "timeout", 5)
    await context.db.write(lambda conn: incidents.begin(conn, "provider_down", "gemini", {}, NOW))
    await context.db.write(lambda conn: incidents.begin(conn, "everything_down", "openai", {}, NOW))
    assert await subjects_out(context) == {"gemini"}
    facts = await outage_facts(context, "deepseek", TIMEOUTS, context.clock.now())
    assert facts["offer"] == "openai/m"


async def test_losing_offer_is_left_out_at_the_loss_limit(context: JobContext, journal: Journal) -> None:
    await journal.answered("deepseek", 2, nanousd=0)
    await journal.failed("deepseek", "timeout", 5)
    await context.db.write(lambda conn: incidents.begin(conn, "provider_down", "gemini", {}, NOW))
    found = [
        (await outage_facts(capped(context, usd), "deepseek", TIMEOUTS, context.clock.now()))["offer"]
        for usd in ("0.002", "0.0021")
    ]
    assert found == ["", "openai/m"]


async def test_without_the_model_auto_no_offer_is_named(context: JobContext, journal: Journal) -> None:
    await journal.failed("deepseek", "timeout", 5)
    catalog = replace(context.market.catalog, models={})
    context = replace(context, market=replace(context.market, catalog=catalog))
    facts = await outage_facts(context, "deepseek", TIMEOUTS, context.clock.now())
    assert (facts["offer"], facts["usd"]) == ("", "")


def test_sentences_without_a_fact_are_left_out() -> None:
    shown = outage_values(FACTS)
    assert (shown["status"], shown["limited"], shown["returned"]) == ("", "", "")
    assert shown["mend"] == {"key": "alert.returns", "values": {}}
    assert shown["now"] == {"key": "alert.nobody", "values": {}}


def test_sentences_with_a_fact_are_shown() -> None:
    facts = {**FACTS, "status": 401, "limited": 4, "error": "key_refused", "returned": 2, "offer": "a/m", "usd": "1"}
    shown = outage_values(facts)
    assert shown["status"] == " (401)"
    assert shown["limited"] == {"key": "alert.limited", "values": {"n": 4}}
    assert shown["mend"] == {"key": "alert.key_refused", "values": {}}
    assert shown["returned"] == {"key": "alert.returned", "values": {"n": 2}}
    assert shown["now"] == {"key": "alert.now", "values": {"offer": "a/m", "usd": Money.usd("1")}}


async def test_recovery_names_the_extra_cost_where_the_provider_has_a_price(
    context: JobContext, journal: Journal, clock: HandClock
) -> None:
    for subject in ("deepseek", "unpriced"):
        await context.db.write(lambda conn, name=subject: incidents.begin(conn, "provider_down", name, {}, NOW))  # type: ignore[misc]
    for name in ("deepseek", "unpriced"):
        await journal.answered(name)
    await journal.answered("gemini", 4)
    clock.move(minutes=10)
    known, unpriced = await context.db.read(incidents.all_open)
    found = await recovery_values(context, known, clock.now())
    assert (found["provider"], found["prompts"], found["cost"]) == ("deepseek", 5, Money.usd("0.005"))
    assert found["more"] == {"key": "alert.more", "values": {"usd": Money.usd("0.004")}}
    assert (await recovery_values(context, unpriced, clock.now()))["more"] == ""


async def test_recovery_without_other_answers_has_no_extra_cost(context: JobContext, clock: HandClock) -> None:
    await context.db.write(lambda conn: incidents.begin(conn, "provider_down", "deepseek", {}, NOW))
    (known,) = await context.db.read(incidents.all_open)
    found = await recovery_values(context, known, clock.now())
    assert (found["prompts"], found["more"], found["minutes"]) == (0, "", 1)


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 1), (29, 1), (89, 1), (91, 2), (600, 10)])
def test_minutes_are_rounded_and_at_least_one(seconds: int, minutes: int) -> None:
    assert minutes_between(NOW, NOW + timedelta(seconds=seconds)) == minutes


async def test_offer_that_is_down_is_not_the_next_offer(context: JobContext, journal: Journal) -> None:
    await journal.answered("deepseek", 3)
    await journal.answered("deepseek", model="other")
    await context.db.write(lambda conn: incidents.begin(conn, "offer_down", "gemini/m", {}, NOW))
    facts = await outage_facts(context, "deepseek/m", TIMEOUTS, context.clock.now())
    assert (facts["provider"], facts["share"], facts["offer"]) == ("deepseek/m", 75, "openai/m")


async def test_detour_of_an_avoided_offer_is_its_waste_and_the_dearer_answers(
    context: JobContext, journal: Journal, clock: HandClock
) -> None:
    """1,000 + 500 tokens cost 0.0002 USD at deepseek and 0.001 USD in these answers by others."""
    await journal.answered("deepseek")
    await journal.answered("gemini", 4)
    await journal.answered("deepseek", model="other")
    clock.move(seconds=1)
    recent = RecentAttempts(40, 6, 6, "timeout")
    facts = await avoided_facts(context, Offer("deepseek", "m"), recent, clock.now())
    assert (facts["offer"], facts["error"], facts["percent"]) == ("deepseek/m", "timeout", 15)
    assert facts["usd"] == "1.20", "5 answers that cost 0.08 ¢ more, 288 times a day, in two digits: 1.152"


async def test_offer_without_a_price_has_its_waste_as_the_detour(context: JobContext, journal: Journal) -> None:
    await journal.answered("unpriced")
    await journal.answered("gemini", 4)
    facts = await avoided_facts(context, Offer("unpriced", "m"), RecentAttempts(20, 2, 2, "cut"), NOW)
    assert facts["usd"] == "0.00"


def test_avoided_offer_that_returned_is_told_so() -> None:
    assert avoided_values({"usd": "1"})["returned"] == ""
    assert avoided_values({"usd": "1", "returned": 2})["returned"] == {"key": "alert.returned", "values": {"n": 2}}
