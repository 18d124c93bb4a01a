"""/providers: health, prices, and the buttons to drain, resume and probe."""

from datetime import timedelta
from functools import partial

import pytest

from engine.catalog.offers import Offer
from engine.errors import KeyRefused, Overloaded, ProviderError
from engine.routing.health import Permit, State
from storage.operations import provider_state
from storage.operations.status_pages import PageStatus, store
from tests.bot.commands.conftest import OLGA, Chat
from tests.builders import attempt, journaled


async def drained(chat: Chat) -> list[str]:
    return sorted(await chat.read(provider_state.drained))


async def test_admin_command_is_unknown_to_others(chat: Chat) -> None:
    assert "I don't know that command" in await chat.say("/providers")


async def test_list_shows_state_and_price(chat: Chat) -> None:
    text = await chat.say("/providers", OLGA)
    for name in ("deepseek", "gemini", "openai"):
        assert f"🟢 {name}: answering" in text
    assert "m $0.10/$0.20 per 1M" in text
    assert "Not configured" not in text
    assert "attempts fail" not in text


async def test_list_is_in_the_language_of_the_admin(chat: Chat) -> None:
    chat.language = "vi"
    assert "🟢 deepseek: đang trả lời" in await chat.say("/providers", OLGA)


async def test_provider_without_a_key_is_listed_apart(chat: Chat) -> None:
    chat.scripts["gemini"].keys = 0
    text = await chat.say("/providers", OLGA)
    assert "Not configured: gemini" in text
    assert "gemini: answering" not in text


def fail(chat: Chat, name: str, times: int, error: ProviderError) -> None:
    health = chat.services.market.health
    for _ in range(times):
        permit = health.admit(Offer(name, "m"))
        assert isinstance(permit, Permit)
        health.failed(permit, error)


async def test_offer_that_rests_is_listed_with_the_time_until(chat: Chat) -> None:
    fail(chat, "gemini", 5, Overloaded("busy", status=503))
    until = chat.services.market.health.offer_state(Offer("gemini", "m")).until
    assert until is not None
    text = await chat.say("/providers", OLGA)
    assert f"🔴 gemini: resting until {until:%H:%M}" in text
    assert f"· m is resting until {until:%H:%M}" in text


async def test_offer_whose_latest_attempt_failed_is_not_green(chat: Chat) -> None:
    fail(chat, "gemini", 1, Overloaded("busy", status=503))
    text = await chat.say("/providers", OLGA)
    assert "🟡 gemini: failing (" in text
    assert " % of attempts)" in text
    assert "· m failed at its latest attempts" in text
    assert "🟢 deepseek: answering" in text


async def test_offer_of_a_refused_key_rests_until_it_is_fixed(chat: Chat) -> None:
    fail(chat, "gemini", 1, KeyRefused("wrong", status=401))
    text = await chat.say("/providers", OLGA)
    assert "🔴 gemini: out of service until the fault is fixed" in text
    assert "· m is" not in text


async def test_failing_provider_is_shown_with_its_share_and_the_first_failure(chat: Chat) -> None:
    fail(chat, "gemini", 1, Overloaded("busy", status=503))
    now = chat.services.clock.now()
    journal = [("answered", 9, True), ("overloaded", 4, False), ("overloaded", 2, False)]
    for number, (outcome, minutes, kept) in enumerate(journal):
        record = attempt(
            outcome=outcome,
            kept=kept,
            provider="gemini",
            model="m",
            request_id=f"f{number}",
            started_at=now - timedelta(minutes=minutes),
        )
        await chat.services.db.write(journaled(record))
    assert f" % of attempts, since {now - timedelta(minutes=4):%H:%M} UTC)" in await chat.say("/providers", OLGA)


async def test_page_that_reports_a_fault_is_quoted(chat: Chat) -> None:
    now = chat.services.clock.now()
    for name, indicator in (("gemini", "major"), ("deepseek", "none")):
        page = PageStatus(indicator, f"*{name}* says")
        await chat.services.db.write(partial(store, provider=name, status=page, now=now))
    text = await chat.say("/providers", OLGA)
    assert "· its status page says: *gemini* says" in text
    assert "deepseek* says" not in text


async def test_drained_provider_gets_no_prompts_until_it_is_resumed(chat: Chat) -> None:
    await chat.say("/providers", OLGA)
    assert "gemini gets no prompts until you resume it." in await chat.press("Drain gemini", OLGA)
    health = chat.services.market.health
    assert health.state("gemini").state is State.DRAINED
    assert await drained(chat) == ["gemini"]
    assert "gemini is back in service." in await chat.press("Resume gemini", OLGA)
    assert health.state("gemini").state is State.CLOSED
    assert await drained(chat) == []


async def test_list_is_drawn_again_where_its_button_was_pressed(chat: Chat) -> None:
    await chat.say("/providers", OLGA)
    calls = await chat.press_data(chat.button("Drain gemini"), OLGA)
    (edit,) = [call for call in calls if call.method == "editMessageText"]
    assert "⚪ gemini: drained by Olga" in edit.text


async def test_alert_keeps_its_text_when_its_button_is_pressed(chat: Chat) -> None:
    calls = await chat.press_data("providers:drain:gemini:0", OLGA)
    assert not [call for call in calls if call.method == "editMessageText"]
    assert chat.services.market.health.state("gemini").state is State.DRAINED


@pytest.mark.parametrize("action", ["drain", "resume", "probe"])
async def test_unknown_provider_is_a_stale_button(chat: Chat, action: str) -> None:
    calls = await chat.press_data(f"providers:{action}:nothing:{OLGA}", OLGA)
    assert "out of date" in calls[0].text


async def test_probe_tells_whether_the_provider_answers(chat: Chat) -> None:
    await chat.say("/providers", OLGA)
    assert "deepseek answers." in await chat.press("Probe deepseek", OLGA)
    assert len(chat.scripts["deepseek"].calls) == 1


async def test_probe_that_fails_names_the_failure(chat: Chat) -> None:
    chat.scripts["deepseek"]._scripts = [[Overloaded("The server is busy.", status=503)]]
    await chat.say("/providers", OLGA)
    told = await chat.press("Probe deepseek", OLGA)
    assert "deepseek fails: overloaded: The server is busy." in told
    assert "busy.." not in told


async def test_button_of_an_admin_does_nothing_for_others(chat: Chat) -> None:
    await chat.press_data("providers:drain:gemini:0")
    assert chat.services.market.health.state("gemini").state is State.CLOSED


@pytest.mark.parametrize("word", ["gemini", "Gemini", "GEMINI"])
async def test_provider_named_after_the_command_is_shown_alone(chat: Chat, word: str) -> None:
    text = await chat.say(f"/providers {word}", OLGA)
    assert "gemini: answering" in text
    assert "deepseek" not in text


async def test_unknown_provider_after_the_command_gets_the_names(chat: Chat) -> None:
    assert "takes one of these: deepseek, gemini" in await chat.say("/providers acme", OLGA)
