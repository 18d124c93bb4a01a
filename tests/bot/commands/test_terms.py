"""/terms, /privacy, /paysupport, and the agreement to the terms."""

from datetime import date

import pytest

from storage.tenants import tenant_settings
from storage.tenants.terms import TERMS_VERSION as VERSION
from tests.bot.commands.conftest import ANN, OLGA, Chat


async def test_terms_have_their_version_and_the_seller(chat: Chat) -> None:
    assert f"Terms of {date.fromisoformat(VERSION):%d %b %Y}" in await chat.say("/terms")
    assert "Operator:" not in await chat.say("/terms")
    chat.configure(seller="Farthing Ltd")
    assert "Operator: Farthing Ltd" in await chat.say("/terms")


async def test_privacy_names_no_free_tier_and_no_transcriber_where_there_is_none(chat: Chat) -> None:
    text = await chat.say("/privacy")
    assert "Logs hold no prompts." in text
    assert "free tier" not in text
    assert "recordings" not in text


async def test_paysupport_names_the_seller_or_the_first_admin(chat: Chat) -> None:
    calls = await chat.send("/paysupport")
    assert "Write to the operator" in calls[0].text
    assert f"tg://user?id={OLGA}" in str(calls[0].params["entities"]) or "text_link" in str(calls[0].params["entities"])
    chat.configure(seller="Farthing Ltd")
    assert "Write to Farthing Ltd" in await chat.say("/paysupport")


async def test_agreement_is_stored_and_the_top_up_goes_on(chat: Chat) -> None:
    await chat.say("/topup")
    await chat.press("$5.00")
    assert (await chat.state()).agreed_terms != VERSION
    calls = await chat.press_data(chat.button("I agree"))
    assert (await chat.state()).agreed_terms == VERSION
    assert [call.method for call in calls if call.method == "sendInvoice"] == ["sendInvoice"]


async def test_older_agreement_is_asked_for_anew(chat: Chat) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: tenant_settings.agree_terms(conn, 1, "2020-01-01", chat.clock.now()))
    await chat.say("/topup")
    assert "please read /terms" in await chat.press("$5.00")


@pytest.mark.parametrize(
    "data", ["terms:agree", "terms:agree:nothing:pay", "terms:agree:ban:yes", "terms:agree:topup:no"]
)
async def test_agreement_to_an_unknown_action_is_a_stale_button(chat: Chat, data: str) -> None:
    await chat.say("/start")
    calls = await chat.press_data(f"{data}:{ANN}")
    assert "out of date" in calls[0].text


async def test_agreement_never_runs_the_button_of_an_admin_command(chat: Chat) -> None:
    await chat.say("/start")
    calls = await chat.press_data(f"terms:agree:providers:drain:deepseek:{ANN}")
    assert "out of date" in calls[0].text
