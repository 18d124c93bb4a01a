"""The payers of an answer in a group: its own wallet, if it has one that can pay for the asker, and the asker."""

from dataclasses import replace

from bot.context import Context
from engine.tenancy import Sponsor, Tenant
from storage.groups import wallets


async def asker_in_group(context: Context, chat_id: int) -> Tenant:
    """Return the asker's tenant, with the group's wallet as the first sponsor."""
    tenant = await context.tenant()
    sponsor = await _group_sponsor(context, chat_id, tenant)
    return tenant if sponsor is None else replace(tenant, sponsors=(sponsor, *tenant.sponsors))


async def _group_sponsor(context: Context, chat_id: int, tenant: Tenant) -> Sponsor | None:
    """Return the group's wallet, with the asker's models and output limit; None if it can't pay for anything."""
    services = context.services
    now = services.clock.now()
    wallet = await services.db.read(lambda conn: wallets.payer(conn, chat_id, tenant.id, now))
    if wallet is None:
        return None
    return Sponsor(wallet.wallet_id, replace(tenant.plan, answers_per_day=0), wallet.title)
