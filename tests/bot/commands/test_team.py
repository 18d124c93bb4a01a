"""/team: its commands, and the Stars for a team's wallet."""

from engine.money import Money
from tests.bot.commands.conftest import ANN, OLGA, ROOM, Chat


async def owner(chat: Chat) -> None:
    await chat.say("/team")
    await chat.press("Make a team")
    await chat.say("Tea house")


async def test_team_is_no_subject_for_a_group(chat: Chat) -> None:
    assert "private" in await chat.say("/team", ANN, ROOM)


async def test_name_after_the_command_makes_the_team_at_once(chat: Chat) -> None:
    assert "Tea house" in await chat.say("/team Tea house")
    assert "60" in await chat.say(f"/team {'x' * 61}", OLGA)


async def test_secret_that_is_not_valid_is_no_name(chat: Chat) -> None:
    said = await chat.say("/team AbCdEfGhIjKlMnOpQrStUv")
    assert said == "This invitation was used, has expired, or was cancelled. Ask for a new one."


async def test_stars_fill_the_teams_wallet_after_the_agreement(chat: Chat) -> None:
    await owner(chat)
    await chat.press("Fill the wallet")
    assert "terms" in await chat.press("⭐")
    calls = await chat.press_data(chat.button("I agree"))
    (invoice,) = [call for call in calls if call.method == "sendInvoice"]
    (order,) = await chat.rows("SELECT o.*, t.name FROM orders o JOIN tenants t ON t.id = o.tenant_id")
    ann = await chat.state()
    assert (order["id"], order["name"], order["payer_id"]) == (invoice.params["payload"], "Tea house", ann.id)


async def test_amount_that_is_not_offered_gets_no_invoice(chat: Chat) -> None:
    await owner(chat)
    calls = await chat.press_data(f"team:stars:{Money.usd('3').nanousd}:{ANN}")
    assert [call.method for call in calls if call.method == "sendInvoice"] == []
    assert await chat.rows("SELECT * FROM orders") == []
