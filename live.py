"""Which faces run: the real thing, or the sandbox around it."""

import asyncio

from house import House, all_specs, open_house
from scheduler.ports import Silent
from serving import log, serve, stop_on_signals
from settings import Settings
from web.app import Parts, build


def is_served(settings: Settings) -> bool:
    """True when there is something to serve: a bot token, a provider key or a server of one's own."""
    if settings.token:
        return True
    return any(
        settings.provider(name).keys
        or (not spec.needs_key and (spec.base_url or settings.provider(name).base_url))
        for name, spec in all_specs(settings).items()
    )


async def live(settings: Settings, parts: set[str]) -> int:
    async with open_house(settings) as house:
        app = build(_parts(house)) if "web" in parts else None
        await serve(house, app, [], stop_on_signals())
    return 0


def _parts(house: House) -> Parts:
    return Parts(
        db=house.db,
        gateway=house.gateway,
        plans=house.plans,
        clock=house.clock,
        provider_rows=house.provider_rows,
        lease_id=house.lease.id,
        admin_key=house.settings.admin_key,
    )
