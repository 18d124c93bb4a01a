import asyncio

from sandbox.telegram import stars
from tests.journeys.conftest import ANN, BAO, OLGA, Journey

EVERY_COMMAND = (
    "/start /help /new /stop /retry /model /usage /plan /topup /keys /why /settings /forget /terms /privacy /paysupport"
)


async def top_up(journey: Journey) -> str:
    """Let Ann agree to the terms and pay 5 USD. Return the charge id."""
    await journey.ask("/topup")
    await journey.press("$5.00")
    await journey.sandbox.world.wait_message(ANN, lambda m: "Do you agree" in m.get("text", ""))
    await journey.press("I agree")
    invoice = await journey.sandbox.world.wait_message(ANN, lambda m: "invoice" in m)
    offered = journey.sandbox.world.links[f"message {ANN} {invoice['message_id']}"]
    paid = await stars.pay(journey.sandbox.world, ANN, ANN, offered)
    assert paid["ok"], paid
    await journey.sandbox.world.wait_message(ANN, lambda m: "was added" in m.get("text", ""))
    return str(paid["charge_id"])


async def test_own_amount_continues_after_the_agreement_to_the_terms(journey: Journey) -> None:
    assert "Do you agree" in await journey.ask("/topup 7.50")
    await journey.press("I agree")
    invoice = await journey.sandbox.world.wait_message(ANN, lambda m: "invoice" in m)
    assert invoice["invoice"]["title"].startswith("$7.50")  # 577 whole Stars


async def wallet(journey: Journey) -> int:
    rows = await journey.rows(
        "SELECT balance_nanousd AS n FROM accounts a JOIN tenants t ON t.id = a.tenant_id WHERE telegram_user_id = :u",
        u=ANN,
    )
    return int(rows[0]["n"])


async def test_stars_are_credited_once_for_repeated_updates(journey: Journey) -> None:
    await top_up(journey)
    assert await wallet(journey) == 385 * 13_000_000
    updates = journey.sandbox.world.updates
    number = next(n for n, update in updates._all.items() if "successful_payment" in update.get("message", {}))
    updates.repeat(number)
    copied = dict(updates._all[number]["message"])
    updates.push("message", copied)  # the same payment under another update id
    await journey.idle()
    assert await wallet(journey) == 385 * 13_000_000
    await journey.check_books()


async def test_invoice_is_refused_to_another_payer(journey: Journey) -> None:
    await top_up(journey)
    (offered, *_) = journey.sandbox.world.links.values()
    refused = await stars.pay(journey.sandbox.world, OLGA, OLGA, offered)
    assert not refused["ok"]
    assert "someone else" in refused["error"]


async def test_refund_debits_the_rest_of_the_wallet(journey: Journey) -> None:
    charge_id = await top_up(journey)
    assert "Refunded" in await journey.confirm(f"/refund {charge_id}", OLGA)
    await journey.idle()
    assert await wallet(journey) == 0
    await journey.check_books()


async def test_plan_is_bought_by_subscription(journey: Journey) -> None:
    await top_up(journey)
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


async def test_long_answer_delays_no_payment(journey: Journey) -> None:
    await top_up(journey)
    (offered, *_) = journey.sandbox.world.links.values()
    journey.sandbox.stand_ins._word_seconds = 0.5
    journey.sandbox.world.say(ANN, ANN, "tell me at length about tea")
    while not journey.container.gateway.in_flight:
        await asyncio.sleep(0.01)
    assert (await stars.pay(journey.sandbox.world, ANN, ANN, offered))["ok"]
    assert journey.container.gateway.in_flight == 1
    journey.sandbox.world.say(ANN, ANN, "/stop")
    await journey.idle()
    assert await wallet(journey) == 2 * 385 * 13_000_000


async def test_every_command_answers_without_breaking(journey: Journey) -> None:
    await journey.ask("tell me about tea at length")
    for command in EVERY_COMMAND.split():
        assert "Something went wrong" not in await journey.ask(command), command
    for command in (
        "/providers",
        "/tenants",
        "/tenant 1",
        "/margin",
        "/alerts",
        "/unban 1",
    ):
        assert "Something went wrong" not in await journey.ask(command, OLGA), command
    for command in ("/credit 1 2", "/credit 1 -1", "/setplan 1 pro", "/ban 1"):
        assert "Something went wrong" not in await journey.confirm(command, OLGA), command
    await journey.check_books()


async def test_new_key_works_and_is_shown_once(journey: Journey) -> None:
    await journey.ask("/keys")
    await journey.press("New key")
    message = await journey.sandbox.world.wait_message(ANN, lambda m: "fk-" in m.get("text", ""))
    code = next(entity for entity in message["entities"] if entity["type"] == "code")
    secret = message["text"][code["offset"] : code["offset"] + code["length"]]
    async with journey.admin() as http:
        answer = await http.get("/v1/models", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    assert secret not in await journey.ask("/keys")


async def test_why_shows_the_attempts_and_the_charge(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "down")
    await journey.ask("tell me about tea at length")
    receipt = await journey.ask("/why")
    assert "deepseek/deepseek-v4-flash: overloaded (503)" in receipt
    assert "gemini/gemini-2.5-flash-lite: answered" in receipt
    assert "GPT-4o at list price" in receipt


async def test_next_message_is_taken_as_the_amount(journey: Journey) -> None:
    await top_up(journey)
    await journey.ask("/topup")
    await journey.press("Other amount")
    await journey.sandbox.world.wait_message(ANN, lambda m: "How much" in m.get("text", ""))
    journey.sandbox.world.say(ANN, ANN, "7,50")
    invoice = await journey.sandbox.world.wait_message(ANN, lambda m: m.get("invoice", {}).get("total_amount") == 577)
    assert invoice["invoice"]["title"] == "$7.50 for your wallet"
    assert not await journey.rows("SELECT * FROM holds")
    await journey.ask("7,50")  # the amount is asked for once; a further number is a prompt
    assert await journey.rows("SELECT * FROM holds")


async def test_amount_out_of_range_is_refused_and_a_question_is_not_asked(journey: Journey) -> None:
    await journey.ask("/start")
    for text in ("/topup 0.5", "/topup 131", "/topup 1.005"):
        assert "from $1.00 to $130.00" in await journey.ask(text)
    await journey.ask("/topup")
    await journey.press("Other amount")
    await journey.sandbox.world.wait_message(ANN, lambda m: "How much" in m.get("text", ""))
    assert "That is not an amount" in await journey.ask("how tall is Everest, at length?")
    assert await journey.rows("SELECT * FROM holds") == []


async def test_code_is_shown_once_and_redeemed_once(journey: Journey) -> None:
    shown = await journey.ask("/code 5 2", OLGA)
    first, second = shown.splitlines()[-2:]
    assert "$5.00 was added" in await journey.ask(f"/topup {first}")
    assert "already used that code" in await journey.ask(f"/topup {first}")
    assert "không hợp lệ" in await journey.ask(f"/topup {first}", BAO)
    assert "5,00\xa0$" in (await journey.ask(f"/topup {second}", BAO)).replace(" $", "\xa0$")
    assert await wallet(journey) == 5 * 10**9
    assert "Usage" in await journey.ask("/code 5 51", OLGA)
    assert "not an amount" in await journey.ask("/code -5", OLGA)
    await journey.check_books()


async def test_five_wrong_codes_an_hour_are_the_limit(journey: Journey) -> None:
    code = (await journey.ask("/code 5", OLGA)).splitlines()[-1]
    for _ in range(5):
        assert "not valid" in await journey.ask("/topup NONSENSE")
    assert "five wrong codes" in await journey.ask(f"/topup {code}")
    assert await wallet(journey) == 0


async def test_refund_notifies_both_and_repeating_it_changes_nothing(journey: Journey) -> None:
    charge_id = await top_up(journey)
    assert "Refunded: $5.00 was taken" in await journey.confirm(f"/refund {charge_id}", OLGA)
    await journey.idle()
    assert "refunded already" in await journey.ask(f"/refund {charge_id}", OLGA)
    assert await journey.sandbox.world.wait_message(ANN, lambda m: "was refunded" in m.get("text", ""))
    assert await wallet(journey) == 0
    assert charge_id in await journey.ask("/tenant 1", OLGA)
    await journey.check_books()


async def test_tenants_are_paged_newest_first(journey: Journey) -> None:
    async with journey.admin() as http:
        for number in range(25):
            await http.post("/admin/tenants", json={"name": f"Shop {number:02}"})
    first = await journey.ask("/tenants", OLGA)
    assert "Shop 24" in first
    assert "Shop 04" not in first
    await journey.press("Older", OLGA)
    assert await journey.sandbox.world.wait_message(OLGA, lambda m: "Shop 04" in m.get("text", ""))


async def test_files_per_minute_are_limited(journey: Journey) -> None:
    world = journey.sandbox.world
    file_id = world.keep_file("a.txt", "text/plain", b"How tall is Everest?")
    document = {"file_id": file_id, "file_unique_id": file_id, "file_name": "a.txt", "mime_type": "text/plain"}
    for _ in range(11):
        world.say(ANN, ANN, "", document={**document, "file_size": 20})
        await journey.idle()
    assert len([m for m in world.messages(ANN) if "more than 10 files" in m.get("text", "")]) == 1


async def test_idempotency_key_of_a_credit_is_bound_to_its_amount(journey: Journey) -> None:
    await journey.ask("/start")
    async with journey.admin() as http:
        for usd, status in (("2", 200), ("2", 200), ("3", 409)):
            body, headers = {"usd": usd, "reason": "gift"}, {"Idempotency-Key": "k1"}
            answer = await http.post("/admin/tenants/1/credits", json=body, headers=headers)
            assert answer.status_code == status
    assert await wallet(journey) == 2 * 10**9
