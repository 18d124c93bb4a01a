"""The payers of an answer in a group."""

from bot.groups.paying import asker_in_group
from engine.money import Money
from storage.groups import wallets
from storage.ledger import transfers
from tests.bot.contexts import GROUP, context_of, private_message
from tests.journeys.conftest import GROUP_ID, Journey


async def test_groups_wallet_pays_first_with_the_askers_models_and_output_limit(journey: Journey) -> None:
    context, services = context_of(journey, private_message("x", chat=GROUP)), journey.container
    tenant = await context.tenant()
    assert await asker_in_group(context, GROUP_ID) == tenant
    now = services.clock.now()
    wallet = await services.db.write(lambda conn: wallets.open_wallet(conn, GROUP_ID, "Tea room", tenant.plan, now))
    assert await asker_in_group(context, GROUP_ID) == tenant
    await services.db.write(
        lambda conn: transfers.credit(conn, wallet.wallet_id, Money.usd("1"), ref="g", reason="g", now=now)
    )
    (sponsor,) = (await asker_in_group(context, GROUP_ID)).sponsors
    assert (sponsor.id, sponsor.name) == (wallet.wallet_id, "Tea room")
    assert (sponsor.plan.models, sponsor.plan.max_output_tokens) == (tenant.plan.models, tenant.plan.max_output_tokens)
