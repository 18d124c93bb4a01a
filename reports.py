"""What the command line prints: the audit, the roll-ups, and today's quotes."""

import sys
from decimal import Decimal

from engine.chat import ChatRequest, Role, says
from engine.errors import EngineError
from engine.money import exact
from engine.routing import Route, plan
from house import SystemClock, build_market
from settings import Settings
from storage import rollups
from storage.audit import audit
from storage.database import migrations_pending, open_database


async def audited(settings: Settings) -> int:
    """0 clean, 1 with the rows that break a rule, 2 when the books could not be read."""
    try:
        async with open_database(settings.env.database_url) as db:
            if await db.read(migrations_pending):
                print("The database is not up to date: run `python -m main migrate`.", file=sys.stderr)
                return 2
            report = await db.read(audit)
    except Exception as error:  # noqa: BLE001 - whatever the driver says, the books were not checked
        print(f"The books could not be checked: {error}", file=sys.stderr)
        return 2
    for problem in report.problems:
        print(f"{problem.check}: {problem.rule}, but: {problem.row}")
    checked = ", ".join(f"{name} {number}" for name, number in report.checked.items())
    print(f"{'clean' if report.ok else f'{len(report.problems)} problems'}; rows checked: {checked}")
    return 0 if report.ok else 1


async def rolled_up(settings: Settings, *, rebuild: bool) -> int:
    """0 when the roll-ups cover the whole journal."""
    async with open_database(settings.env.database_url) as db:
        if await db.read(migrations_pending):
            print("The database is not up to date: run `python -m main migrate`.", file=sys.stderr)
            return 2
        done = await (rollups.rebuild(db) if rebuild else rollups.bring_up_to_date(db))
    print(f"{done} attempts were rolled up.")
    return 0


async def quoted(settings: Settings, prompt: str, model_name: str) -> int:
    """Offer, price now, expected cost, health, chosen: cheapest first."""
    async with open_database(settings.env.database_url) as db:
        if await db.read(migrations_pending):
            print("The database is not up to date: run `python -m main migrate`.", file=sys.stderr)
            return 2
        market = await build_market(settings, db, SystemClock())
    request = ChatRequest("quote", model_name, (says(Role.USER, prompt),))
    try:
        model = market.catalog.model(model_name)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    quotes, drops = market.catalog.quote(request, model, market.clock.now())
    route = plan(quotes, drops, market.health.standing, exact(settings.config.routing.delay_usd_per_second))
    _print_route(route)
    for provider in market.providers.values():
        await provider.aclose()
    return 0 if route.quotes else 1


def _print_route(route: Route) -> None:
    print(f"{'offer':44} {'in $/1M':>9} {'out $/1M':>9} {'expected $':>13}  ")
    for number, quote in enumerate(route.quotes):
        rates = quote.price.rates(0)
        note = "chosen" if number == 0 else "last resort" if quote.last_resort else ""
        print(f"{quote.offer.name:44} {_mtok(rates.input):>9} {_mtok(rates.output):>9} {quote.expected!s:>13}  {note}")
    for drop in route.drops:
        print(f"{drop.offer.name:44} {'-':>9} {'-':>9} {'-':>13}  {drop.reason}")


def _mtok(atto: int) -> str:
    return f"{Decimal(atto) / 10**12:.4f}"
