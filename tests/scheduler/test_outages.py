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
from tests.scheduler.conftest import ADMIN, Diary, HandClock, Notebook, Seller, capped, desk_over


def first_lines(notebook: Notebook) -> list[str]:
    return [text.splitlines()[0] for text in notebook.texts]


async def test_the_first_line_says_provider_class_and_number(
    desk: JobContext, diary: Diary, notebook: Notebook
) -> None:
    await diary.answered("deepseek", 3)
    await diary.answered("gemini")
    await diary.failed("deepseek", "timeout", 5, status=None)
    await outages.run(desk)
    (alert,) = notebook.texts
    assert alert.splitlines()[0] == "🔴 deepseek is down: timeout, 5 failures"
    assert "It carried 75 % of the traffic." in alert
    assert "Now gemini/m answers" in alert
    assert "429" not in alert
    (told,) = notebook.told.values()
    assert [button.action for button in told.buttons] == ["mute", "drain", "probe"]


@pytest.mark.parametrize(("may_lose", "now"), [("1.00", "Now openai/m answers"), ("0.002", "Nobody else can answer")])
async def test_who_answers_now_is_nobody_where_the_day_has_lost_enough(
    desk: JobContext, diary: Diary, notebook: Notebook, may_lose: str, now: str
) -> None:
    """A usual prompt costs more at openai than `auto` charges for it."""
    await diary.answered("gemini", 3, nanousd=0)
    await diary.failed("deepseek", "timeout", 5)
    await diary.failed("gemini", "timeout", 5)
    await outages.run(capped(desk, may_lose))
    assert all(now in alert for alert in notebook.texts[1:]), notebook.texts


async def test_four_failures_are_no_outage(desk: JobContext, diary: Diary, notebook: Notebook) -> None:
    await diary.failed("deepseek", times=4)
    await diary.failed("deepseek", "bad_request", times=3, status=400)
    await outages.run(desk)
    assert notebook.texts == []


async def test_half_of_a_busy_minute_is_an_outage(desk: JobContext, diary: Diary, notebook: Notebook) -> None:
    for _ in range(12):
        await diary.failed("deepseek")
        await diary.answered("deepseek")
    await outages.run(desk)
    assert first_lines(notebook) == ["🔴 deepseek is down: overloaded, 12 failures"]


async def test_timeouts_that_are_really_429s_are_said_to_be(desk: JobContext, diary: Diary, notebook: Notebook) -> None:
    await diary.failed("deepseek", "rate_limited", 4, status=429)
    await diary.failed("deepseek", "timeout", 5, status=None)
    await outages.run(desk)
    assert "it also answered 429 (rate limit) 4 times" in notebook.texts[0]


async def test_it_grows_in_one_message(desk: JobContext, diary: Diary, notebook: Notebook) -> None:
    for _ in range(4):
        await diary.failed("deepseek", times=5)
        await outages.run(desk)
        await outages.run(desk)
    (told,) = notebook.told.values()
    assert told.text.splitlines()[0] == "🔴 deepseek is down: overloaded, 20 failures"
    assert told.edits == 3


async def test_the_return_is_a_reply_with_what_the_detour_cost(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    await diary.answered("deepseek")
    await diary.failed("deepseek", times=5)
    await outages.run(desk)
    await diary.answered("gemini", 4)
    clock.move(minutes=10)
    await diary.answered("deepseek")
    await outages.run(desk)
    alert, back = notebook.told.values()
    assert back.reply_to == (ADMIN, 1)
    assert "deepseek is back after 10 min" in back.text
    assert "Others answered 4 prompts meanwhile, for 0.004 USD" in back.text
    assert "the detour: 0.0032 USD" in back.text  # 1,000 + 500 tokens would have cost 0.0002 here
    assert "is down" in alert.text


async def test_flapping_is_one_incident_and_edits_both(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    for _ in range(4):
        clock.move(minutes=2)
        await diary.failed("deepseek", times=5)
        await outages.run(desk)
        await diary.answered("deepseek")
        await outages.run(desk)
    assert len(notebook.told) == 2
    alert, back = notebook.told.values()
    assert "went down again: 3 times" in alert.text
    assert "is back" in back.text
    await diary.failed("deepseek", times=5)
    await outages.run(desk)
    assert "is down again" in back.text


async def test_a_return_after_the_bound_is_a_new_incident(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    for _ in range(2):
        await diary.failed("deepseek", times=5)
        await outages.run(desk)
        await diary.answered("deepseek")
        await outages.run(desk)
        clock.move(seconds=601)
    assert len(notebook.told) == 4


@pytest.mark.parametrize(
    ("outcome", "words"), [("key_refused", "refuses the key"), ("balance_gone", "balance is used up")]
)
async def test_what_must_be_mended_is_an_incident_of_its_own_at_once(
    desk: JobContext, diary: Diary, notebook: Notebook, outcome: str, words: str
) -> None:
    await diary.failed("deepseek", "timeout", 5, status=None)
    await outages.run(desk)
    await diary.failed("deepseek", outcome, status=401)
    await outages.run(desk)
    await outages.run(desk)
    assert first_lines(notebook)[1].startswith(f"🔴 deepseek is down: {outcome}")
    assert words in notebook.texts[1]
    assert [each.kind for each in await desk.db.read(incidents.all_open)] == [outcome]
    await diary.answered("deepseek")
    await outages.run(desk)
    assert len([text for text in notebook.texts if "is back" in text]) == 1


async def test_one_refused_key_of_several_is_no_outage_but_told_once(
    desk: JobContext, diary: Diary, notebook: Notebook
) -> None:
    sellers = {**desk.market.providers, "deepseek": cast("Provider", Seller("deepseek", keys=2))}
    two_keys = replace(desk, market=replace(desk.market, providers=sellers))
    for _ in range(3):
        await diary.failed("deepseek", "key_refused", status=401)
        await diary.answered("deepseek")
        await outages.run(two_keys)
    (text,) = notebook.texts
    assert "deepseek refuses one of its keys (key_refused)" in text


async def test_a_muted_incident_grows_in_silence(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    await diary.failed("deepseek", times=5)
    await outages.run(desk)
    until = clock.at.replace(hour=13)
    await desk.db.write(lambda conn: incidents.mute(conn, 1, until))
    await diary.failed("deepseek", times=5)
    await outages.run(desk)
    assert next(iter(notebook.told.values())).edits == 0


async def test_two_clocks_tell_once(desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook) -> None:
    twin = desk_over(desk.db, clock, notebook)
    await diary.failed("deepseek", times=5)
    for each in (desk, twin, desk, twin):
        await outages.run(each)
    assert len(notebook.told) == 1


async def test_who_died_before_telling_is_made_up_for(desk: JobContext, diary: Diary, notebook: Notebook) -> None:
    class Dead(Notebook):
        async def tell_admins(self, *_: object, **__: object) -> list[tuple[int, int]]:
            raise RuntimeError("the power went")

    await diary.failed("deepseek", times=5)
    with pytest.raises(RuntimeError):
        await outages.run(replace(desk, notifier=Dead()))
    await outages.run(desk)
    assert len(notebook.told) == 1


async def test_a_prompt_that_failed_everywhere_is_told_within_one_run(
    desk: JobContext, diary: Diary, clock: HandClock, notebook: Notebook
) -> None:
    await diary.failed("none", "no_provider", status=None)
    first = clock.now()
    clock.move(minutes=1)
    await outages.run(desk)
    (alert,) = notebook.texts
    assert alert.startswith(f"🚨 Everything is down: prompts that failed everywhere since {first:%H:%M:%S} UTC: 1.")
    clock.move(minutes=3)
    await diary.answered("gemini")
    await outages.run(desk)
    assert "answered again, after 3 min" in notebook.texts[1]


async def test_all_at_rest_is_everything_down_before_anybody_asks(
    desk: JobContext, clock: HandClock, notebook: Notebook
) -> None:
    health = desk.market.health
    for name in ("deepseek", "gemini", "openai"):
        for _ in range(5):
            permit = health.admit(Offer(name, "m"))
            assert isinstance(permit, Permit)
            health.failed(permit, Unreachable("gone"))
    await outages.run(desk)
    await outages.run(desk)
    (alert,) = notebook.texts
    assert "every provider rests or is out" in alert
    clock.move(seconds=90)
    await outages.run(desk)
    assert "answered again" in notebook.texts[1]
