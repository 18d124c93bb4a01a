"""The payer of an answer in a group."""

from bot.groups.paying import group_payer
from engine.money import Money
from storage.groups import wallets
from storage.ledger import transfers
from tests.bot.contexts import GROUP, context_of, private_message
from tests.journeys.conftest import GROUP_ID, Journey


async def test_groups_wallet_pays_with_the_askers_models_and_the_largest_plans_rate(journey: Journey) -> None:
    context, services = context_of(journey, private_message("x", chat=GROUP)), journey.container
    asker = await context.tenant()
    assert await group_payer(context, GROUP_ID) is None
    now = services.clock.now()
    wallet = await services.db.write(lambda conn: wallets.open_wallet(conn, GROUP_ID, "Tea room", asker.plan, now))
    assert await group_payer(context, GROUP_ID) is None
    await services.db.write(
        lambda conn: transfers.credit(conn, wallet.wallet_id, Money.usd("1"), ref="g", reason="g", now=now)
    )
    payer = await group_payer(context, GROUP_ID)
    assert payer is not None
    assert (payer.id, payer.telegram_user_id, payer.name) == (wallet.wallet_id, None, "Tea room")
    assert payer.plan.requests_per_minute == max(plan.requests_per_minute for plan in services.plans.values())
    assert (payer.plan.models, payer.plan.max_output_tokens) == (asker.plan.models, asker.plan.max_output_tokens)
