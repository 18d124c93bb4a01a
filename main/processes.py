"""The parts of one process: bot, HTTP and clock, from start to stop."""

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from engine.catalog.price_book import fresh_prices
from main.container import Container, open_container
from main.engine_parts.catalog import all_specs
from main.front_ends import bot_services, jobs, notices_of, web_services
from main.late_bot import LateBot
from main.lifecycle import Component, serve, stop_on_signals
from main.replicas.exchange import Exchange, SharedPart
from main.replicas.parts import engine_parts
from main.settings import Settings
from storage.database.serving_lock import serving_lock
from storage.operations.backup import sqlite_path
from web.app import build_app

if TYPE_CHECKING:
    from bot.app import Bot

log = logging.getLogger("farthing")
EVERYTHING = frozenset({"bot", "web", "clock"})


def has_work(settings: Settings) -> bool:
    """Return True if a bot token, a provider key or the address of a keyless server is set."""
    if settings.token:
        return True
    return any(
        settings.provider(name).keys or (not spec.needs_key and (spec.base_url or settings.provider(name).base_url))
        for name, spec in all_specs(settings).items()
    )


def missing_setting(settings: Settings) -> str:
    """Return a sentence if a setting is missing without which no API key can be made; "" if none is missing."""
    if settings.token or settings.admin_key:
        return ""
    return "nobody can make an API key: set TELEGRAM_BOT_TOKEN (then /keys) or ADMIN_API_KEY (then /admin/tenants)"


def takes_updates(settings: Settings, parts: frozenset[str]) -> bool:
    """Return True if a process of these parts runs the bot.

    One with HTTP alone does if it has a webhook (PUBLIC_URL).
    """
    return bool(settings.token) and ("bot" in parts or ("web" in parts and bool(settings.env.public_url)))


async def run_parts(
    settings: Settings,
    parts: frozenset[str],
    *,
    is_sandbox: bool = False,
    opened: Callable[[Container], None] | None = None,
) -> int:
    """Run `parts` of bot, web and clock until a signal; return the exit code 0. `opened` is called with the container.

    In the sandbox, prices are those of the release, so that no request leaves the machine.
    """
    stop = stop_on_signals()
    if missing := missing_setting(settings):
        log.warning(missing)
    async with AsyncExitStack() as stack:
        if settings.config.routing.fresh_prices and not is_sandbox:
            stack.enter_context(fresh_prices())
        if settings.env.database_url.startswith("sqlite:"):
            await stack.enter_async_context(serving_lock(sqlite_path(settings.env.database_url)))
        container = await stack.enter_async_context(open_container(settings, migrate_apart=not is_sandbox))
        if opened is not None:
            opened(container)
        bot = _bot(container) if takes_updates(settings, parts) else None
        notices = notices_of(container) if bot is None else None
        frames = (settings.env.telegram_api_url.removesuffix("/telegram"),) if is_sandbox else ()
        app = build_app(web_services(container, bot, notices, frames)) if "web" in parts else None
        if app is not None and container.tracing is not None:
            app = container.tracing.asgi(app)
        exchange = replicas_of(container, parts, bot)
        late_bot = LateBot(bot) if bot is not None and "bot" not in parts else bot
        components: list[Component] = [each for each in (exchange, late_bot, notices) if each is not None]
        if "clock" in parts:
            components.append(jobs(container, bot, notices))
        await serve(container, app, components, stop)
    return 0


def _bot(container: Container) -> "Bot":
    from bot.app import Bot  # noqa: PLC0415 - a process without the bot saves 10 MB

    return Bot(bot_services(container))


def replicas_of(container: Container, parts: frozenset[str], bot: "Bot | None") -> Exchange | None:
    """Return the exchange with other processes on the same PostgreSQL database; None for SQLite (one process)."""
    if container.db.dialect != "postgresql":
        return None
    shared: dict[str, SharedPart] = engine_parts(container.market)
    roles = parts - {"bot"} | ({"bot"} if bot is not None else set())
    if bot is None:
        return Exchange(container.db, container.lease.id, roles, shared)
    from main.replicas.bot_parts import bot_parts  # noqa: PLC0415 - a process without the bot saves 10 MB

    shared |= bot_parts(bot.limiter, bot.answers)
    return Exchange(container.db, container.lease.id, roles, shared, bot.limiter.share)
