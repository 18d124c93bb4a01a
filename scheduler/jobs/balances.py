"""Alerts about the money left at providers, before it is used up. Only DeepSeek and OpenRouter report it."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol, runtime_checkable

from engine.errors import ProviderError
from engine.money import ZERO
from engine.providers.balances import Balance
from scheduler.context import JobContext
from scheduler.incidents import close_silently, report, resolve
from scheduler.job import Job, Misfire
from storage.alerts import incidents
from storage.reports import usage

log = logging.getLogger(__name__)
BALANCE_LOW = "balance_low"
WEEK_DAYS = 7
MOST_DAYS = 365
"""The number of days is not shown for a balance that lasts longer than this."""


@runtime_checkable
class _TellsBalance(Protocol):
    async def balance(self, key: int = 0) -> Balance | None: ...


async def run(context: JobContext) -> None:
    """Read the balance of each API key. A provider whose balance is used up has a separate incident."""
    now = context.clock.now()
    open_now = {(each.kind, each.subject) for each in await context.db.read(incidents.all_open)}
    for name in context.market.providers:
        if ("balance_gone", name) in open_now:
            await close_silently(context, BALANCE_LOW, name, now)
            continue
        lowest = await _lowest(context, name)
        if lowest is None:
            continue
        if lowest.usd < context.low_balance:
            await report(context, BALANCE_LOW, name, await _facts(context, name, lowest, now), now)
        elif (BALANCE_LOW, name) in open_now:
            await resolve(context, BALANCE_LOW, name, {"provider": name, "balance": _shown(lowest)}, now)


async def _lowest(context: JobContext, name: str) -> Balance | None:
    """Return the lowest balance of the provider's keys; None if none could be read."""
    provider = context.market.providers[name]
    if not isinstance(provider, _TellsBalance):
        return None
    found = []
    for key in range(provider.keys):
        try:
            balance = await provider.balance(key)
        except ProviderError as error:
            log.debug("the balance at %s can't be read: %s", name, error)
            continue
        if balance is not None:
            found.append(balance)
    return min(found, key=lambda each: each.usd, default=None)


async def _facts(context: JobContext, name: str, balance: Balance, now: datetime) -> dict[str, object]:
    days = await _days_left(context, name, balance, now)
    return {
        "provider": name,
        "balance": _shown(balance),
        "least": context.low_balance,
        "lasts": {"key": "alert.lasts", "values": {"days": days}} if days is not None else "",
    }


async def _days_left(context: JobContext, name: str, balance: Balance, now: datetime) -> int | None:
    """Return how many days the balance lasts at last week's spending; None from MOST_DAYS on."""
    last = now.date() - timedelta(days=1)
    rows = await context.db.read(partial(usage.rows, start=last - timedelta(days=WEEK_DAYS - 1), end=last))
    spent = sum((row.cost + row.waste for row in rows if row.provider == name), ZERO)
    days = max(0, balance.usd.nanousd) * WEEK_DAYS // spent.nanousd if spent else MOST_DAYS
    return days if days < MOST_DAYS else None


def _shown(balance: Balance) -> object:
    if balance.currency == "USD":
        return balance.usd
    values: Mapping[str, object] = {"amount": balance.amount.quantize(Decimal("0.01"))}
    return {"key": "alert.balance_cny", "values": values}


JOB = Job("balances", "balances", run, Misfire.SKIP)
