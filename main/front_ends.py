"""Bot, HTTP and scheduler over one container: the settings of each, from the environment and farthing.toml."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.money import Money
from main.container import Container
from scheduler.admin_notices import deliver
from scheduler.context import JobContext
from scheduler.leader import Leader
from scheduler.ports import LoggingNotifier, Notifier, StarsBook
from storage.alerts import admin_notices
from storage.invoices.invoices import Seller
from web.app import WebServices
from web.miniapp.access import Telegram
from web.miniapp.payments.ports import Payments

if TYPE_CHECKING:
    from bot.app import Bot
    from bot.notices import Notices
    from bot.services import Services
    from storage.telegram.chat_queue import ChatQueue


def bot_services(container: Container, *, footer: bool = True) -> "Services":
    """Return the services of the bot. `footer` is the default for a new chat."""
    from bot.config import BotConfig  # noqa: PLC0415 - a process without the bot saves 10 MB
    from bot.services import Services, no_span  # noqa: PLC0415

    env, config = container.settings.env, container.settings.config
    bot_config = BotConfig(
        token=container.settings.token,
        api_url=env.telegram_api_url,
        proxy=env.telegram_proxy,
        admin_ids=frozenset(env.admin_ids),
        public_url=env.public_url,
        show_costs=config.access.show_costs,
        per_star=Money.usd(config.billing.usd_per_star),
        topups=tuple(Money.usd(usd) for usd in config.billing.topup_usd),
        topup_least=Money.usd(config.billing.topup_min_usd),
        topup_most=Money.usd(config.billing.topup_max_usd),
        plans_from=config.billing.plans_from,
        access_mode=config.access.mode,
        files_per_minute=config.access.files_per_minute,
        bytes_per_day=config.access.megabytes_per_day * 1_000_000,
        footer=footer,
        talk_tokens=config.groups.talk_tokens,
        outside=config.groups.outside,
        name_conversations=config.access.name_conversations,
        keep_days=config.privacy.keep_days,
        schedule_least_hours=config.every.least_hours,
        schedule_most=config.every.most_per_person,
        schedule_late_hours=config.every.late_hours,
        http_url=_http_url(container),
        app_links=config.access.app_links,
        seller=config.seller.name,
        payout_per_star=Money.usd(config.billing.payout_usd_per_star),
        invoice_seller=_seller(container),
    )
    return Services(
        container.db,
        container.lease.id,
        container.gateway,
        container.market,
        container.plans,
        container.clock,
        bot_config,
        transcriber=container.transcriber,
        span=no_span if container.tracing is None else container.tracing.update,
        may_call=container.lease.is_held,
        after_lapse=container.lease.after_lapse,
        chat_queue=_chat_queue(container),
    )


def _chat_queue(container: Container) -> "ChatQueue | None":
    """Return the queue that spreads chats over replicas (on PostgreSQL with a webhook); None for any other setup."""
    if container.db.dialect != "postgresql" or not container.settings.env.public_url:
        return None
    from storage.telegram.chat_jobs import ChatJobs  # noqa: PLC0415 - not spent in one process

    return ChatJobs(container.db.url)


def web_services(
    container: Container,
    bot: "Bot | None" = None,
    notices: "Notices | None" = None,
    frames: Collection[str] = (),
) -> WebServices:
    """Return the parts of the HTTP app. `bot` provides the webhook's route; without it `notices` sends alerts.

    `frames`: further sites that may show the Mini App, besides Telegram's own.
    """
    return WebServices(
        db=container.db,
        gateway=container.gateway,
        plans=container.plans,
        clock=container.clock,
        lease_id=container.lease.id,
        payout_per_star=Money.usd(container.settings.config.billing.payout_usd_per_star),
        seller=_seller(container),
        admin_key=container.settings.admin_key,
        telegram=_telegram(container, frames),
        payments=_payments(container, bot or notices),
        attempts=container.attempts,
        more_routes=bot.routes if bot is not None else (),
        public_url=_http_url(container),
        cors_origins=container.settings.config.http.cors_origins,
        alert_wrong_keys=_alert_wrong_keys(container, _notifier(bot, notices)),
        can_write=container.lease.is_held,
    )


def job_context(container: Container, bot: "Bot | None" = None, notices: "Notices | None" = None) -> JobContext:
    """Return the context of the jobs. Without `bot` and `notices`, alerts are written to the log."""
    config = container.settings.config
    return JobContext(
        db=container.db,
        market=container.market,
        plans=container.plans,
        notifier=_notifier(bot, notices),
        clock=container.clock,
        lease_id=container.lease.id,
        failures_to_open=config.health.failures_to_open,
        reopen_seconds=config.alerts.reopen_seconds,
        quota_percent=config.alerts.quota_percent,
        low_wallet=Money.usd(config.billing.low_wallet_usd),
        backup_folder=Path(config.backup.folder) if config.backup.folder else None,
        backup_keep=config.backup.keep,
        payout_per_star=Money.usd(config.billing.payout_usd_per_star),
        seller=_seller(container),
        digest_hour=config.alerts.digest_at[0],
        digest_zone=config.alerts.digest_at[1],
        take_up=bot.take_up if bot is not None else None,
        stars=_stars(bot, notices),
        caps=container.caps,
        per_star=Money.usd(config.billing.usd_per_star),
        wallet_pays_plans=config.billing.plans_from != "stars",
        low_balance=Money.usd(config.alerts.low_balance_usd),
        margin_percent=config.alerts.margin_percent,
        disk_free_mb=config.alerts.disk_free_mb,
        status_pages=config.status_pages,
        telegram=bot or notices,
        new_per_hour_alert=config.access.new_per_hour_alert,
        keep_days=config.privacy.keep_days,
    )


def jobs(container: Container, bot: "Bot | None" = None, notices: "Notices | None" = None) -> Leader:
    """Return the jobs as a component. Of several processes, one runs them."""
    seconds = container.settings.config.schedule.model_dump()
    return Leader(job_context(container, bot, notices), seconds, container.lease)


def _payments(container: Container, sender: "Bot | Notices | None") -> Payments | None:
    """Return the payments of the Mini App; None if this process has no bot token."""
    if sender is None:
        return None
    billing = container.settings.config.billing
    return Payments(
        sender.stars,
        sender.notifier,
        per_star=Money.usd(billing.usd_per_star),
        topups=tuple(Money.usd(usd) for usd in billing.topup_usd),
        topup_least=Money.usd(billing.topup_min_usd),
        topup_most=Money.usd(billing.topup_max_usd),
        plans_from=billing.plans_from,
    )


def _http_url(container: Container) -> str:
    """Return the address under which people reach the HTTP server."""
    env = container.settings.env
    host = f"[{env.host}]" if ":" in env.host else env.host
    return env.public_url or f"http://{host}:{env.port}"


def notices_of(container: Container) -> "Notices | None":
    """Return the sender of notices for a process that does not run the bot; None without a bot token."""
    if not container.settings.token:
        return None
    from bot.notices import Notices  # noqa: PLC0415 - as above

    return Notices(bot_services(container).config, container.db, container.lease.is_held)


def _notifier(bot: "Bot | None", notices: "Notices | None") -> Notifier:
    sender = bot or notices
    return LoggingNotifier() if sender is None else sender.notifier


def _stars(bot: "Bot | None", notices: "Notices | None") -> StarsBook | None:
    sender = bot or notices
    return None if sender is None else sender.stars


def _alert_wrong_keys(container: Container, notifier: Notifier) -> Callable[[int], Awaitable[object]]:
    async def alert(n: int) -> None:
        db, clock = container.db, container.clock
        await db.write(partial(admin_notices.queue, key="alert.wrong_admin_keys", values={"n": n}, now=clock.now()))
        await deliver(db, notifier, clock)

    return alert


def _seller(container: Container) -> Seller:
    """Return the seller printed on invoices, from [seller]."""
    section = container.settings.config.seller
    return Seller(section.name, section.address, section.tax_id, str(section.vat_percent))


def _telegram(container: Container, frames: Collection[str]) -> Telegram | None:
    """Return the bot's facts for the Mini App, even if this process does not run the bot."""
    settings = container.settings
    if not settings.token:
        return None
    access = settings.config.access
    return Telegram(
        settings.token,
        frozenset(settings.env.admin_ids),
        is_open=access.mode == "open",
        links_for=access.app_links,
        frames=frames,
    )
