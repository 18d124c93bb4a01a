from datetime import UTC, datetime
from typing import Any

import pytest

from bot.payments.payments import MOST_EPOCHS, _moment
from sandbox.telegram import stars
from storage.database.connection import Connection
from storage.tenants import tenants
from tests.bot.contexts import bot_texts, text
from tests.journeys.conftest import ANN, BAO, Journey

STARS, NANOUSD = 385, 385 * 13_000_000
CREDITED = text("payment.credited", usd="$5.00", wallet="$5.00")
Offered = dict[str, Any]


async def invoice(journey: Journey) -> Offered:
    """Ask for 5 USD and agree to the terms. Return the offered invoice."""
    await journey.ask("/topup 5")
    await journey.press(text("topup.yes"))
    message = await journey.sandbox.world.wait_message(ANN, lambda m: "invoice" in m)
    return journey.sandbox.world.links[f"message {ANN} {message['message_id']}"]


async def wallet(journey: Journey) -> int:
    await journey.idle()
    state = await journey.container.db.read(lambda conn: tenants.by_telegram(conn, ANN))
    assert state is not None
    return state.wallet.nanousd


def payment(payload: str, charge: str = "stx1", **changes: Any) -> dict[str, Any]:
    fields = {"currency": "XTR", "total_amount": STARS, "invoice_payload": payload}
    return {**fields, "telegram_payment_charge_id": charge, "provider_payment_charge_id": "", **changes}


async def test_payment_is_credited_once_and_confirmed(journey: Journey) -> None:
    offered = await invoice(journey)
    journey.sandbox.world.say(ANN, ANN, "", successful_payment=payment(offered["payload"]))
    journey.sandbox.world.say(ANN, ANN, "", successful_payment=payment(offered["payload"]))
    assert await wallet(journey) == NANOUSD
    assert bot_texts(journey).count(CREDITED) == 1
    await journey.check_books()


async def test_payment_of_an_unknown_order_is_credited_at_the_current_rate(journey: Journey) -> None:
    await journey.ask("/start")
    journey.sandbox.world.say(ANN, ANN, "", successful_payment=payment("topup-unknown"))
    assert await wallet(journey) == NANOUSD


async def test_other_currency_is_not_booked(journey: Journey, caplog: pytest.LogCaptureFixture) -> None:
    offered = await invoice(journey)
    journey.sandbox.world.say(ANN, ANN, "", successful_payment=payment(offered["payload"], currency="USD"))
    assert await wallet(journey) == 0
    assert "a payment in USD was not booked" in caplog.text


@pytest.mark.parametrize("stars", [0, -385, 10**12, 10**30, 1.5, "385", None])
async def test_amount_that_can_not_be_booked_is_told_in_one_line_and_not_retried(
    journey: Journey, caplog: pytest.LogCaptureFixture, stars: object
) -> None:
    await journey.ask("/start")
    journey.sandbox.world.say(ANN, ANN, "", successful_payment=payment("topup-unknown", total_amount=stars))
    journey.sandbox.world.say(ANN, ANN, "", refunded_payment=payment("topup-unknown", total_amount=stars))
    assert await wallet(journey) == 0
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage().count(f"{stars!r} Stars, charge 'stx1'") for record in told] == [1, 1]
    assert not any(record.exc_info for record in told)
    assert await journey.rows("SELECT 1 AS one FROM inbox WHERE state <> 'done' OR epoch > 1") == []
    await journey.check_books()


@pytest.mark.parametrize(
    ("change", "user", "key"),
    [
        ({"payload": "topup-unknown"}, ANN, "unknown"),
        ({"total_amount": STARS + 1}, ANN, "amount"),
        ({}, BAO, "other"),
    ],
)
async def test_invoice_that_does_not_match_is_refused(
    journey: Journey, change: dict[str, Any], user: int, key: str
) -> None:
    offered = await invoice(journey)
    journey.sandbox.world.users[BAO]["language_code"] = "en"
    refused = await stars.pay(journey.sandbox.world, user, user, {**offered, **change})
    assert refused == {"ok": False, "error": text(f"payment.{key}")}
    assert await wallet(journey) == 0


async def test_pre_checkout_that_can_not_be_checked_is_refused(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = await invoice(journey)

    async def unreachable(_: Any) -> Any:
        raise OSError("the database is away")

    monkeypatch.setattr(journey.container.db, "read", unreachable)
    refused = await stars.pay(journey.sandbox.world, ANN, ANN, offered)
    assert refused == {"ok": False, "error": text("payment.later")}


async def test_refund_debits_the_wallet(journey: Journey) -> None:
    paid = await stars.pay(journey.sandbox.world, ANN, ANN, await invoice(journey))
    assert await wallet(journey) == NANOUSD
    stars.refund(journey.sandbox.world, ANN, paid["charge_id"])
    assert await wallet(journey) == 0
    assert bot_texts(journey)[-1] == text("payment.refunded", taken="$5.00", owes="")
    await journey.check_books()


async def fail_once(journey: Journey, epoch: int) -> None:
    """Book a payment while the database fails, in the given try of its update."""
    offered = await invoice(journey)
    await journey.idle()
    await journey.container.db.write(lambda conn: conn.run("ALTER TABLE payments RENAME TO payments_away"))
    journey.sandbox.world.say(ANN, ANN, "", successful_payment=payment(offered["payload"]))

    def tried(conn: Connection) -> int:
        return len(conn.rows("SELECT 1 AS one FROM inbox WHERE state = 'new' AND epoch >= 1"))

    while not await journey.container.db.read(tried):
        pass
    await journey.container.db.write(lambda conn: conn.run(f"UPDATE inbox SET epoch = {epoch} WHERE state = 'new'"))


async def test_payment_that_can_not_be_booked_is_retried(journey: Journey) -> None:
    await fail_once(journey, 1)
    await journey.container.db.write(lambda conn: conn.run("ALTER TABLE payments_away RENAME TO payments"))
    assert await journey.bot.take_up() == 1
    assert await wallet(journey) == NANOUSD
    assert bot_texts(journey).count(CREDITED) == 1


async def test_payment_is_retried_a_limited_number_of_times(journey: Journey) -> None:
    await fail_once(journey, MOST_EPOCHS - 1)
    await journey.bot.take_up()
    await journey.idle()
    assert await journey.rows("SELECT 1 AS one FROM inbox WHERE state <> 'done'") == []


@pytest.mark.parametrize(
    "content", [{}, {"user": {"id": ANN}}, {"invoice_payload": "x", "user": {"id": "y"}}, {"invoice_payload": 5}]
)
async def test_malformed_subscription_is_ignored(journey: Journey, content: dict[str, Any]) -> None:
    journey.sandbox.world.updates.push("subscription", content)
    await journey.idle()
    assert bot_texts(journey) == []


@pytest.mark.parametrize("content", [{"chat": {"id": "x"}}, {}, {"chat": {"id": ANN}, "message_thread_id": "x"}])
async def test_stop_of_nothing_is_ignored(journey: Journey, content: dict[str, Any]) -> None:
    journey.sandbox.world.updates.push("stopped_message_generation", content)
    await journey.idle()
    assert bot_texts(journey) == []


def test_dates_of_both_kinds_are_read() -> None:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    assert (_moment(None), _moment(at), _moment(int(at.timestamp()))) == (None, at, at)
