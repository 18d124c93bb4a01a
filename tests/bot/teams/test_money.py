"""The owner's pages about a team's money."""

import pytest

from engine.money import Money
from storage.ledger import transfers
from tests.bot.commands.conftest import ANN, BAO
from tests.bot.teams.conftest import Crew


async def put_in(crew: Crew, label: str = "Move $50.00") -> str:
    await crew.chat.say("/team")
    await crew.chat.press("Fill the wallet")
    await crew.chat.press(label)
    return await crew.chat.press("Yes")


async def test_team_is_filled_from_the_owners_wallet_after_a_question(crew: Crew) -> None:
    assert "Wallet: $50.00" in await put_in(crew)
    assert (await crew.chat.state()).wallet == Money.usd("50")
    await crew.chat.check_books()


async def test_wallet_that_is_short_moves_nothing(crew: Crew) -> None:
    ann, now = await crew.chat.state(), crew.chat.clock.now()
    await crew.chat.write(
        lambda conn: transfers.adjust(conn, ann.id, -Money.usd("90"), ref="less", reason="test", now=now)
    )
    assert "$10.00" in await put_in(crew, "Move $20.00")
    assert (await crew.chat.state()).wallet == Money.usd("10")


async def test_amount_that_is_not_offered_is_not_moved(crew: Crew) -> None:
    await crew.chat.press_data(f"team:moved:7:{ANN}")
    assert (await crew.chat.state()).wallet == Money.usd("100")


async def test_members_may_not_see_or_move_the_teams_money(crew: Crew) -> None:
    for action in ("money", "fill:5000000000", "moved:5000000000", "plans", "bought:pro", "report", "invoices"):
        calls = await crew.chat.press_data(f"team:{action}:{BAO}", BAO)
        assert "Only the owner" in calls[0].text


async def test_plan_is_bought_from_the_teams_wallet_and_ended(crew: Crew) -> None:
    await put_in(crew)
    await crew.chat.press("Plan")
    assert "from the team’s wallet ($50.00) for the plan pro" in await crew.chat.press("pro")
    assert "The team’s plan: pro" in await crew.chat.press("Yes")
    assert (await crew.chat.state()).plan == "free"
    team = await crew.team()
    assert team is not None
    assert (team.plan, team.free) == ("pro", Money.usd("21"))
    await crew.chat.press("End with this period")
    assert (await crew.chat.rows("SELECT next_plan FROM tenants WHERE id = :id", id=team.id))[0]["next_plan"] == "free"
    await crew.chat.press_data(f"team:bought:starter:{ANN}")
    assert (await crew.chat.rows("SELECT next_plan FROM tenants WHERE id = :id", id=team.id))[0][
        "next_plan"
    ] == "starter"
    await crew.chat.check_books()


async def test_plan_that_the_wallet_does_not_cover_says_what_is_missing(crew: Crew) -> None:
    await crew.chat.say("/team")
    await crew.chat.press("Plan")
    await crew.chat.press("pro")
    assert "lacks $29.00" in await crew.chat.press("Yes")


async def test_report_and_invoice_name_what_each_member_used(crew: Crew) -> None:
    await put_in(crew)
    await crew.chat.say("How tall is Everest?", BAO)
    await crew.chat.say("How deep is the sea?")
    used = (await crew.seat() or pytest.fail("no seat")).used
    assert used > Money(0)
    await crew.chat.say("/team")
    report = await crew.chat.press("Report")
    assert "• Bao:" in report
    assert "• Ann:" in report
    assert "Everest" not in report
    crew.chat.clock.move(days=40)
    await crew.chat.say("/team")
    await crew.chat.press("Invoices")
    calls = await crew.chat.press_data(crew.chat.button("Nov 2026"))
    assert [call.method for call in calls].count("sendDocument") == 2
    bao = await crew.chat.state(BAO)
    assert bao.allowance_left_tokens == bao.allowance_tokens
    await crew.chat.check_books()


async def test_invoice_of_another_account_is_not_sent(crew: Crew) -> None:
    calls = await crew.chat.press_data(f"team:invoice:99:{ANN}")
    assert [call.method for call in calls] == ["answerCallbackQuery"]


async def test_receipt_names_the_team_that_paid(crew: Crew) -> None:
    await put_in(crew)
    await crew.chat.say("/ask a question", BAO)
    assert "0.0075 ¢ from the wallet of Tea house, " in await crew.chat.say("/why", BAO)
    await crew.chat.press_data(f"team:bought:starter:{ANN}")
    await crew.chat.say("/ask a question", BAO)
    assert "paid with 15 tokens of the plan of Tea house" in await crew.chat.say("/why", BAO)
