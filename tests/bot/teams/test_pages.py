"""The first page of /team."""

from engine.money import Money
from tests.bot.commands.conftest import BAO
from tests.bot.teams.conftest import Crew


async def test_each_person_reads_the_own_page(crew: Crew) -> None:
    owners = await crew.chat.say("/team")
    assert owners.startswith("Team Tea house, 2 people\nWallet: $0.00\nUsed this month: $0.00")
    seat = await crew.chat.say("/team", BAO)
    assert seat.startswith("Team Tea house, owned by Ann\nYou have used $0.00 this month. Your limit: $5.00")


async def test_money_that_came_late_to_a_dissolved_team_is_paid_out(crew: Crew) -> None:
    team = await crew.team()
    assert team is not None
    await crew.chat.say("/team")
    await crew.chat.press("Dissolve")
    await crew.chat.press("Yes")
    await crew.chat.write(
        lambda conn: conn.run(
            "INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)"
            " VALUES ('credit', 'house:charges', :wallet, 5, :id, 'late', '', 0)",
            wallet=f"tenant:{team.id}",
            id=team.id,
        )
    )
    await crew.chat.write(
        lambda conn: conn.run("UPDATE accounts SET balance_nanousd = 5 WHERE tenant_id = :id", id=team.id)
    )
    await crew.chat.say("/team")
    assert (await crew.chat.state()).wallet == Money.usd("100") + Money(5)
