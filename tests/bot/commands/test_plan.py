"""/plan: see, choose, pay, cancel and resume."""

from dataclasses import replace
from datetime import timedelta

import pytest
from telegram.error import BadRequest, TimedOut

from engine.money import Money
from storage.database.connection import Connection
from storage.ledger import transfers
from storage.tenants import tenant_settings
from storage.tenants.terms import TERMS_VERSION as VERSION
from tests.bot.commands.conftest import ANN, BAO, Chat
from tests.builders import english
from tests.storage.shop import KNOWN, STARTER, paid, plan_order


async def agreed(chat: Chat) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: tenant_settings.agree_terms(conn, 1, VERSION, chat.clock.now()))


async def subscribed(chat: Chat) -> None:
    """Let Ann pay for a month of the starter plan by a subscription."""
    await agreed(chat)
    await chat.write(lambda conn: paid(conn, plan_order(conn), "c1"))


async def rich(chat: Chat, usd: str = "100") -> None:
    def unit(conn: Connection) -> None:
        transfers.credit(conn, 1, Money.usd(usd), ref="gift", reason="gift", now=chat.clock.now())

    await chat.write(unit)


def edits(chat: Chat) -> list[tuple[str, bool]]:
    found = [call.params for call in chat.request.calls if call.method == "editUserStarSubscription"]
    return [(each["telegram_payment_charge_id"], each["is_canceled"]) for each in found]


async def test_plan_shows_what_is_left_and_every_plan(chat: Chat) -> None:
    text = await chat.say("/plan")
    state = await chat.state()
    assert "Your plan: free" in text
    assert f"The next period begins on {english(state.renews_at)}." in text
    assert "starter: $9.00 a month, 2,000,000 tokens, 20 questions a minute" in text
    assert "subscription" not in text


async def test_daily_limit_is_shown_with_the_answers_of_today(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a day" not in await chat.say("/plan")
    monkeypatch.setitem(KNOWN, "free", replace(KNOWN["free"], answers_per_day=20))
    await chat.say("hello")
    text = await chat.say("/plan")
    assert "Answers today (UTC): 1 of 20" in text
    assert "6 questions a minute, 20 answers a day" in text
    assert "Answers today (UTC): 1 of 20" in await chat.say("/usage")


async def test_first_choice_of_a_paid_plan_asks_for_the_terms_and_then_goes_on(chat: Chat) -> None:
    await chat.say("/plan")
    assert "please read /terms" in await chat.press("starter")
    assert "Plan starter: 693 Stars a month" in await chat.press("I agree")
    assert (await chat.state()).agreed_terms == VERSION


async def test_paid_plan_is_offered_as_a_subscription_by_link(chat: Chat) -> None:
    await agreed(chat)
    await chat.say("/plan")
    assert "Plan starter: 693 Stars a month" in await chat.press("starter")
    (link,) = [call.params for call in chat.request.calls if call.method == "createInvoiceLink"]
    assert (link["currency"], link["subscription_period"]) == ("XTR", 2_592_000)
    assert ("Subscribe for 693 ⭐", "https://t.me/$invoice") in chat.buttons()
    (order,) = await chat.rows("SELECT * FROM orders")
    assert (order["id"], order["plan"]) == (link["payload"], "starter")


async def test_unknown_plan_is_a_stale_button(chat: Chat) -> None:
    await chat.say("/start")
    calls = await chat.press_data(f"plan:set:gold:{ANN}")
    assert "This button is out of date. Please send the command again." in [call.text for call in calls]


async def test_plan_of_today_changes_nothing(chat: Chat) -> None:
    await chat.say("/start")
    calls = await chat.press_data(f"plan:set:free:{ANN}")
    assert "You are already on that plan." in [call.text for call in calls]


async def test_wallet_pays_only_where_the_operator_allows_it(chat: Chat) -> None:
    await agreed(chat)
    await rich(chat)
    calls = await chat.press_data(f"plan:wallet:starter:{ANN}")
    assert "out of date" in calls[0].text
    assert (await chat.state()).plan == "free"


async def test_wallet_pays_for_a_plan(chat: Chat) -> None:
    chat.configure(plans_from="both")
    await agreed(chat)
    await rich(chat)
    await chat.say("/plan")
    await chat.press("starter")
    assert "You are on plan starter now." in await chat.press("Pay $9.00")
    state = await chat.state()
    assert (state.plan, state.wallet) == ("starter", Money.usd("91"))
    assert "already on that plan" in await chat.press("Pay $9.00")
    await chat.check_books()


async def test_wallet_that_is_short_offers_a_top_up(chat: Chat) -> None:
    chat.configure(plans_from="wallet")
    await agreed(chat)
    await rich(chat, "8.99")
    await chat.say("/plan")
    text = await chat.press("starter")
    assert "$9.00 a month from your wallet, which holds $8.99" in text
    assert "1 ¢ short for that plan" in await chat.press("Pay $9.00")
    assert "Top up your wallet" in await chat.press("Top up")
    assert (await chat.state()).plan == "free"


async def test_upgrade_from_the_wallet_credits_the_unused_part(chat: Chat) -> None:
    chat.configure(plans_from="wallet")
    await agreed(chat)
    await rich(chat)
    await chat.press_data(f"plan:wallet:starter:{ANN}")
    calls = await chat.press_data(f"plan:wallet:pro:{ANN}")
    assert "for the unused part of your old plan was added to your wallet" in calls[0].text
    assert (await chat.state()).plan == "pro"
    await chat.check_books()


async def test_subscription_is_shown_with_its_renewal(chat: Chat) -> None:
    await subscribed(chat)
    assert "Your subscription to starter renews on" in await chat.say("/plan")


async def test_cancelled_subscription_can_be_resumed(chat: Chat) -> None:
    await subscribed(chat)
    await chat.say("/plan")
    assert "Nothing changes until then." in await chat.press("Cancel subscription")
    assert "is cancelled and ends on" in await chat.say("/plan")
    assert "continues; it renews on" in await chat.press("Resume subscription")
    assert "renews on" in await chat.say("/plan")
    assert edits(chat) == [("c1", True), ("c1", False)]


async def test_second_cancellation_is_a_stale_button(chat: Chat) -> None:
    await subscribed(chat)
    await chat.say("/plan")
    await chat.press("Cancel subscription")
    assert "out of date" in await chat.press("Cancel subscription")
    assert edits(chat) == [("c1", True)]


async def test_buttons_of_a_subscription_that_does_not_exist_are_stale(chat: Chat) -> None:
    await chat.say("/start")
    for action in ("cancel", "resume"):
        calls = await chat.press_data(f"plan:{action}:{ANN}")
        assert "out of date" in calls[0].text
    assert edits(chat) == []


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (BadRequest("SUBSCRIPTION_NOT_ACTIVE"), "Telegram does not allow this change."),
        (TimedOut(), "Telegram is not responding, so nothing was changed."),
    ],
)
async def test_change_that_telegram_refuses_is_not_made(chat: Chat, error: Exception, answer: str) -> None:
    await subscribed(chat)
    await chat.say("/plan")
    chat.request.refusals["editUserStarSubscription"] = error
    assert answer in await chat.press("Cancel subscription")
    assert "renews on" in await chat.say("/plan")


async def test_lower_plan_waits_for_the_end_of_the_period(chat: Chat) -> None:
    await subscribed(chat)
    await chat.say("/plan")
    text = await chat.press("free")
    state = await chat.state()
    assert f"Plan free begins when this period ends, on {english(state.renews_at)}." in text
    assert (state.plan, state.next_plan) == ("starter", "free")
    assert edits(chat) == [("c1", True)]
    assert "Next period: plan free." in await chat.say("/plan")


async def test_planned_change_is_taken_back_with_the_subscription(chat: Chat) -> None:
    await subscribed(chat)
    await chat.say("/plan")
    await chat.press("free")
    await chat.say("/plan")
    assert "Your subscription to starter continues" in await chat.press("Keep starter")
    assert (await chat.state()).next_plan is None


async def test_planned_change_without_a_subscription_is_taken_back(chat: Chat) -> None:
    chat.configure(plans_from="wallet")
    await agreed(chat)
    await rich(chat)
    await chat.press_data(f"plan:wallet:pro:{ANN}")
    calls = await chat.press_data(f"plan:set:starter:{ANN}")
    assert "It will then be paid from your wallet." in calls[0].text
    calls = await chat.press_data(f"plan:set:pro:{ANN}")
    assert "You stay on plan pro." in [call.text for call in calls]
    assert (await chat.state()).next_plan is None


async def test_lower_paid_plan_is_asked_for_by_stars_later(chat: Chat) -> None:
    await agreed(chat)
    await chat.write(lambda conn: paid(conn, plan_order(conn, chat.services.plans["pro"]), "c1"))
    calls = await chat.press_data(f"plan:set:starter:{ANN}")
    assert "I'll ask you to subscribe to it then." in "".join(call.text for call in calls)


async def test_plan_too_dear_for_stars_has_no_button(chat: Chat) -> None:
    dear = replace(STARTER, name="dear", usd_per_month=Money.usd("131"))
    chat.change(plans={**chat.services.plans, "dear": dear})
    await chat.say("/plan")
    assert not [label for label, _ in chat.buttons() if "dear" in label]
    chat.configure(plans_from="both")
    await chat.say("/plan")
    assert [label for label, _ in chat.buttons() if "dear" in label]


async def test_lapsed_subscription_is_not_shown(chat: Chat) -> None:
    await subscribed(chat)
    chat.clock.move(days=40)
    assert "subscription to" not in await chat.say("/plan")


async def test_button_obeys_its_owner_only(chat: Chat) -> None:
    await subscribed(chat)
    await chat.say("/plan")
    await chat.press("Cancel subscription", BAO)
    assert edits(chat) == []
    assert timedelta(0) < (await chat.state()).renews_at - chat.clock.now()


@pytest.mark.parametrize("word", ["starter", "Starter"])
async def test_plan_named_after_the_command_is_chosen(chat: Chat, word: str) -> None:
    assert "please read /terms" in await chat.say(f"/plan {word}")
    assert "Plan starter: 693 Stars a month" in await chat.press("I agree")
    assert "Plan starter: 693 Stars a month" in await chat.say(f"/plan {word}")


async def test_plan_of_today_named_after_the_command_changes_nothing(chat: Chat) -> None:
    pressed = [call.text for call in await chat.press_data(f"plan:set:free:{ANN}")]
    assert [await chat.say("/plan free")] == pressed


async def test_unknown_plan_after_the_command_gets_the_names(chat: Chat) -> None:
    assert "takes one of these: free, starter" in await chat.say("/plan platinum")
