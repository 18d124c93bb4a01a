"""The payer of an answer in a group: the group's wallet, where it has one that covers the asker."""

from dataclasses import replace

from bot.context import Context
from engine.tenancy import Tenant
from storage.groups import wallets


async def group_payer(context: Context, chat_id: int) -> Tenant | None:
    """Return the group's wallet as a tenant with the asker's models and output limit; None if the asker pays.

    Its requests per minute are those of the largest plan: they are everybody's together.
    """
    asker, services = await context.tenant(), context.services
    today = services.clock.now().date()
    wallet = await services.db.read(lambda conn: wallets.payer(conn, chat_id, asker.id, today))
    if wallet is None:
        return None
    most = max(plan.requests_per_minute for plan in services.plans.values())
    plan = replace(asker.plan, requests_per_minute=most, answers_per_day=0)
    return Tenant(wallet.wallet_id, plan, wallet.title, None, asker.banned, exclusions=asker.exclusions)
