"""/group: who pays in a group, and its wallet."""

import pytest

from engine.money import Money
from storage.groups import wallets
from storage.ledger import transfers
from tests.bot.commands.conftest import ANN, ROOM, Chat
from tests.storage.books import used

PANEL = f"/start group_{ROOM}"


@pytest.fixture
async def rich(chat: Chat) -> Chat:
    """Return a chat in which Ann is an admin of the group and has 8 USD."""
    chat.request.member = "administrator"
    await chat.say("/start")
    state = await chat.state()
    await chat.write(
        lambda conn: transfers.credit(conn, state.id, Money.usd("8"), ref="gift", reason="a gift", now=chat.clock.now())
    )
    return chat


async def test_group_reads_who_pays_without_an_amount(chat: Chat) -> None:
    said = await chat.say("/group", ANN, ROOM)
    assert said.startswith("Each question in this group is paid by the person who asks it.")
    assert chat.buttons()[-1][1] == f"https://t.me/farthing_bot?start=group_{ROOM}"


async def test_wallet_opens_for_admins_of_the_group_only(chat: Chat) -> None:
    assert await chat.say(PANEL) == "Only admins of that group can open its wallet."
    chat.request.member = "creator"
    said = await chat.say(PANEL)
    assert "Wallet of Room" in said
    assert "Left: $0.00" in said
    assert "no limit" in said
    for words in ("/group", "/group nothing"):
        assert "Send /group in a group" in await chat.say(words)


async def test_money_is_moved_after_a_question_and_once(rich: Chat) -> None:
    await rich.say(PANEL)
    assert "Move $5.00 from your wallet" in await rich.press("Put in $5.00")
    sure = rich.button("Yes, move it")
    assert "Left: $5.00" in await rich.press("Yes, move it")
    assert (await rich.state()).wallet == Money.usd("3")
    assert "paid from its own wallet" in await rich.say("/group", ANN, ROOM)
    await rich.press_data(sure)
    assert (await rich.state()).wallet == Money.usd("3")  # the same press, delivered twice
    await rich.check_books()


async def test_money_that_is_not_there_is_not_moved(rich: Chat) -> None:
    await rich.say(PANEL)
    await rich.press("Put in $20.00")
    assert "Your wallet has $8.00, which is less than $20.00" in await rich.press("Yes, move it")
    assert (await rich.state()).wallet == Money.usd("8")


async def test_question_can_be_left_without_moving_money(rich: Chat) -> None:
    await rich.say(PANEL)
    await rich.press("Put in $1.00")
    assert "Left: $0.00" in await rich.press("Cancel")


@pytest.mark.parametrize(("label", "shown"), [("50 ¢ a day each", "50 ¢"), ("No daily limit", "no limit")])
async def test_cap_is_set_and_shown(rich: Chat, label: str, shown: str) -> None:
    await rich.say(PANEL)
    assert f"For each person a day: {shown}" in await rich.press(label)


async def test_admin_who_no_longer_is_one_changes_nothing(rich: Chat) -> None:
    await rich.say(PANEL)
    rich.request.member = "member"
    for label in ("Put in $1.00", "50 ¢ a day each"):
        assert await rich.press(label) == "Only admins of that group can open its wallet."
    for action in ("move", "back"):
        calls = await rich.press_data(f"group:{action}:{ROOM}:1000000000:{ANN}")
        assert "Only admins of that group can open its wallet." in [call.text for call in calls]


async def test_amount_that_is_not_offered_is_not_moved(rich: Chat) -> None:
    await rich.say(PANEL)
    await rich.press_data(f"group:move:{ROOM}:7:{ANN}")
    assert (await rich.state()).wallet == Money.usd("8")


async def test_shares_of_the_members_are_listed(rich: Chat) -> None:
    await rich.say(PANEL)
    state, wallet = await rich.state(), await rich.read(lambda conn: wallets.find(conn, ROOM))
    assert wallet is not None
    today = rich.clock.now().date()
    await rich.write(lambda conn: used(conn, wallet.wallet_id, state.id, today, "0.25"))
    assert "• Ann: 25 ¢, 1 answer" in await rich.say(PANEL)
