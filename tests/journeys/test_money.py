import asyncio

from sandbox.telegram import stars
from tests.journeys.conftest import ANN, OLGA, Journey

EVERY_COMMAND = (
    "/start /help /new /stop /retry /model /usage /plan /topup /keys /why /settings /forget /terms /privacy /paysupport"
)


async def topped_up(journey: Journey) -> str:
    """Ann agrees to the terms and pays 5 USD; the charge id."""
    await journey.ask("/topup")
    await journey.press("5.00 USD")
    await journey.sandbox.world.wait_message(ANN, lambda m: "Do you agree" in m.get("text", ""))
    await journey.press("I agree")
    await journey.idle()
    await journey.press("5.00 USD")
    invoice = await journey.sandbox.world.wait_message(ANN, lambda m: "invoice" in m)
    offered = journey.sandbox.world.links[f"message {ANN} {invoice['message_id']}"]
    paid = await stars.pay(journey.sandbox.world, ANN, ANN, offered)
    assert paid["ok"], paid
    await journey.sandbox.world.wait_message(ANN, lambda m: "were added" in m.get("text", ""))
    return str(paid["charge_id"])


async def wallet(journey: Journey) -> int:
    rows = await journey.rows(
        "SELECT balance_nanousd AS n FROM accounts a JOIN tenants t ON t.id = a.tenant_id WHERE telegram_user_id = :u",
        u=ANN,
    )
    return int(rows[0]["n"])


async def test_stars_are_credited_once_however_often_they_are_told(journey: Journey) -> None:
    await topped_up(journey)
    assert await wallet(journey) == 385 * 13_000_000
    updates = journey.sandbox.world.updates
    number = next(n for n, update in updates._all.items() if "successful_payment" in update.get("message", {}))
    updates.repeat(number)
    copied = dict(updates._all[number]["message"])
    updates.push("message", copied)  # the same payment under another update id
    await journey.idle()
    assert await wallet(journey) == 385 * 13_000_000
    await journey.check_books()


async def test_an_invoice_is_refused_to_another_payer(journey: Journey) -> None:
    await topped_up(journey)
    (offered, *_) = journey.sandbox.world.links.values()
    refused = await stars.pay(journey.sandbox.world, OLGA, OLGA, offered)
    assert not refused["ok"]
    assert "somebody else" in refused["error"] or "unknown" in refused["error"]


async def test_a_refund_takes_what_is_left(journey: Journey) -> None:
    charge_id = await topped_up(journey)
    assert "Refunded" in await journey.ask(f"/refund {charge_id}", OLGA)
    await journey.idle()
    assert await wallet(journey) == 0
    await journey.check_books()


async def test_a_plan_is_bought_by_subscription(journey: Journey) -> None:
    await topped_up(journey)
    await journey.ask("/plan")
    await journey.press("starter")
    message = await journey.sandbox.world.wait_message(ANN, lambda m: "Telegram subscription" in m.get("text", ""))
    link = message["reply_markup"]["inline_keyboard"][0][0]["url"].removeprefix("https://t.me/$")
    paid = await stars.pay(journey.sandbox.world, ANN, ANN, journey.sandbox.world.links[link])
    assert paid["ok"], paid
    await journey.sandbox.world.wait_message(ANN, lambda m: "You are on plan starter" in m.get("text", ""))
    (tenant,) = await journey.rows("SELECT plan FROM tenants WHERE telegram_user_id = :u", u=ANN)
    assert tenant["plan"] == "starter"
    await journey.check_books()


async def test_a_long_answer_delays_no_payment(journey: Journey) -> None:
    await topped_up(journey)
    (offered, *_) = journey.sandbox.world.links.values()
    journey.sandbox.stand_ins._word_seconds = 0.5
    journey.sandbox.world.say(ANN, ANN, "tell me at length about tea")
    while not journey.house.gateway.in_flight:
        await asyncio.sleep(0.01)
    assert (await stars.pay(journey.sandbox.world, ANN, ANN, offered))["ok"]
    assert journey.house.gateway.in_flight == 1
    journey.sandbox.world.say(ANN, ANN, "/stop")
    await journey.idle()
    assert await wallet(journey) == 2 * 385 * 13_000_000


async def test_every_command_answers_without_breaking(journey: Journey) -> None:
    await journey.ask("tell me about tea at length")
    for command in EVERY_COMMAND.split():
        assert "Something broke" not in await journey.ask(command), command
    for command in (
        "/providers",
        "/tenants",
        "/tenant 1",
        "/credit 1 2",
        "/setplan 1 pro",
        "/margin",
        "/alerts",
        "/ban 1",
        "/unban 1",
    ):
        assert "Something broke" not in await journey.ask(command, OLGA), command
    await journey.check_books()


async def test_a_new_key_works_and_is_shown_once(journey: Journey) -> None:
    await journey.ask("/keys")
    await journey.press("New key")
    message = await journey.sandbox.world.wait_message(ANN, lambda m: "fk-" in m.get("text", ""))
    code = next(entity for entity in message["entities"] if entity["type"] == "code")
    secret = message["text"][code["offset"] : code["offset"] + code["length"]]
    async with journey.admin() as http:
        answer = await http.get("/v1/models", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    assert secret not in await journey.ask("/keys")


async def test_why_tells_who_was_asked_and_what_it_cost(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "down")
    await journey.ask("tell me about tea at length")
    receipt = await journey.ask("/why")
    assert "deepseek/deepseek-v4-flash: overloaded (503)" in receipt
    assert "gemini/gemini-2.5-flash-lite: answered" in receipt
    assert "GPT-4o at list price" in receipt
