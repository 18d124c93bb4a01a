"""Which faces run: the real thing, or the sandbox around it."""

import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from bot.app import Bot
from bot.services import BotConfig, Services
from engine.catalog.prices import fresh_prices
from engine.chat import ChatRequest, Role, says
from engine.errors import EngineError
from engine.money import Money
from main.config import BackupSection, TranscriberSection
from main.container import Container, all_specs, open_house
from main.server import Face, serve, stop_on_signals
from main.settings import Settings, read
from scheduler.app import Scheduler
from scheduler.context import JobContext
from scheduler.ports import Notifier, Silent
from storage.invoices.invoices import Seller
from web.app import Parts, build
from web.miniapp.access import Telegram

USUAL_PROMPT = "Explain compound interest to a ten-year-old, with a small table."
LAST_RUNS_SECONDS = 5.0
"""What stopping waits for jobs of the clock that are on."""
log = logging.getLogger("farthing")
STAND_IN_EAR = TranscriberSection(offer="groq/whisper-large-v3-turbo", usd_per_minute=Decimal("0.000667"))
SANDBOX_FILE = Path("sandbox-data/farthing.db")


def is_served(settings: Settings) -> bool:
    """True when there is something to serve: a bot token, a provider key or a server of one's own."""
    if settings.token:
        return True
    return any(
        settings.provider(name).keys or (not spec.needs_key and (spec.base_url or settings.provider(name).base_url))
        for name, spec in all_specs(settings).items()
    )


def gap(settings: Settings) -> str:
    """What nobody can do as things are set, in a sentence; nothing where all can be done."""
    if settings.token or settings.admin_key:
        return ""
    return "nobody can make an API key: set TELEGRAM_BOT_TOKEN (then /keys) or ADMIN_API_KEY (then /admin/tenants)"


async def live(
    settings: Settings, parts: set[str], *, is_sandbox: bool = False, opened: Callable[[Container], None] | None = None
) -> int:
    """Run `parts` of bot, web and clock until a signal; 0 when it ended well. `opened` hears of the house.

    In the sandbox answers have their footer, and prices are those of the release: nothing leaves the machine.
    """
    stop = stop_on_signals()
    if missing := gap(settings):
        log.warning(missing)
    async with AsyncExitStack() as stack:
        if settings.config.routing.fresh_prices and not is_sandbox:
            stack.enter_context(fresh_prices())
        house = await stack.enter_async_context(open_house(settings))
        if opened is not None:
            opened(house)
        bot = Bot(_services(house, footer=is_sandbox)) if settings.token and "bot" in parts else None
        app = build(_parts(house, bot)) if "web" in parts else None
        faces: list[Face] = [bot] if bot is not None else []
        if "clock" in parts:
            faces.append(ClockFace(house, bot))
        await serve(house, app, faces, stop)
    return 0


class ClockFace:
    """The clock as serving knows a face: it speaks through the bot where there is one."""

    def __init__(self, house: Container, bot: Bot | None) -> None:
        config = house.settings.config
        notifier: Notifier = bot.notifier if bot is not None else Silent()
        desk = JobContext(
            db=house.db,
            market=house.market,
            plans=house.plans,
            notifier=notifier,
            clock=house.clock,
            lease_id=house.lease.id,
            failures_to_open=config.health.failures_to_open,
            reopen_seconds=config.alerts.reopen_seconds,
            quota_percent=config.alerts.quota_percent,
            low_wallet=Money.usd(config.billing.low_wallet_usd),
            backup_folder=Path(config.backup.folder) if config.backup.folder else None,
            backup_keep=config.backup.keep,
            payout_per_star=Money.usd(config.billing.payout_usd_per_star),
            seller=seller_of(house),
            digest_hour_utc=config.alerts.digest_hour_utc,
            take_up=bot.take_up if bot is not None else None,
            stars=bot.stars if bot is not None else None,
            caps=house.caps,
            per_star=Money.usd(config.billing.usd_per_star),
            wallet_pays_plans=config.billing.plans_from != "stars",
            new_per_hour_alert=config.access.new_per_hour_alert,
        )
        self._work = Scheduler(desk, config.schedule.model_dump())

    async def start(self) -> None:
        self._work.start()

    async def quiet(self) -> None:
        self._work.pause()

    async def stop(self) -> None:
        await self._work.stop(LAST_RUNS_SECONDS)


def seller_of(house: Container) -> Seller:
    """What invoices print: [seller]."""
    seller = house.settings.config.seller
    return Seller(seller.name, seller.address, seller.tax_id, str(seller.vat_percent))


def _services(house: Container, *, footer: bool) -> Services:
    env, config = house.settings.env, house.settings.config
    bot_config = BotConfig(
        token=house.settings.token,
        api_url=env.telegram_api_url,
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
        http_url=env.public_url or f"http://{env.host}:{env.port}",
        seller=config.seller.name,
        payout_per_star=Money.usd(config.billing.payout_usd_per_star),
        invoice_seller=seller_of(house),
    )
    return Services(
        house.db,
        house.lease.id,
        house.gateway,
        house.market,
        house.plans,
        house.clock,
        bot_config,
        transcriber=house.transcriber,
    )


def _parts(house: Container, bot: Bot | None) -> Parts:
    return Parts(
        db=house.db,
        gateway=house.gateway,
        plans=house.plans,
        clock=house.clock,
        provider_rows=house.provider_rows,
        lease_id=house.lease.id,
        payout_per_star=Money.usd(house.settings.config.billing.payout_usd_per_star),
        seller=seller_of(house),
        admin_key=house.settings.admin_key,
        telegram=_telegram(house),
        more_routes=bot.routes if bot is not None else (),
    )


def _telegram(house: Container) -> Telegram | None:
    """What the Mini App knows of the bot, where there is one; also in a process that serves HTTP alone."""
    settings = house.settings
    if not settings.token:
        return None
    return Telegram(settings.token, frozenset(settings.env.admin_ids), settings.config.access.mode == "open")


@dataclass(frozen=True, slots=True)
class _Playground:
    settings: Settings
    url: str
    show_route: Callable[[Container], None]


async def play(settings: Settings) -> int:
    """The sandbox: its own Telegram and providers, its own fresh database, the real bot."""
    async with _playground(settings) as ground:
        print(f"\n  Farthing's sandbox is at {ground.url}\n  (Ctrl-C stops it)\n", flush=True)  # noqa: T201
        return await live(ground.settings, {"bot", "web", "clock"}, is_sandbox=True, opened=ground.show_route)


@asynccontextmanager
async def _playground(settings: Settings) -> AsyncIterator[_Playground]:
    from sandbox.app import Sandbox  # noqa: PLC0415 - only here

    admin_key = secrets.token_hex(16)
    farthing_url = f"http://{settings.env.host}:{settings.env.port}"
    _clear(SANDBOX_FILE)
    async with Sandbox(
        port=settings.env.sandbox_port, farthing_url=farthing_url, farthing_admin_key=admin_key
    ) as sandbox:
        variables = {
            "TELEGRAM_BOT_TOKEN": sandbox.token,
            "TELEGRAM_API_URL": sandbox.telegram_url,
            "ADMIN_IDS": str(sandbox.admin_id),
            "ADMIN_API_KEY": admin_key,
            "DATABASE_URL": f"sqlite:///{SANDBOX_FILE}",
            "HOST": settings.env.host,
            "PORT": str(settings.env.port),
            "LOG_LEVEL": settings.env.log_level,
            "LOG_FORMAT": settings.env.log_format,
        }
        for name, url in sandbox.provider_urls.items():
            variables |= {f"{name.upper()}_BASE_URL": url, f"{name.upper()}_API_KEY": f"sandbox-{name}-key"}
        played = read(variables, Path("no.env"))
        show = lambda house: sandbox.route_by(partial(next_offers, house))  # noqa: E731 - one line
        changes = {"backup": BackupSection(folder=""), "transcriber": settings.config.transcriber or STAND_IN_EAR}
        yield _Playground(replace(played, config=settings.config.model_copy(update=changes)), sandbox.url, show)


def next_offers(house: Container) -> list[str]:
    """The offers that `auto` would try now, in their order, for a prompt of usual size; none where nobody can."""
    request = ChatRequest("page", "auto", (says(Role.USER, USUAL_PROMPT),))
    try:
        route = house.gateway.route(house.market.catalog.model("auto"), request)
    except EngineError:
        return []
    return [quote.offer.name for quote in route.quotes]


def _clear(path: Path) -> None:
    """Each sandbox begins anew: its Telegram forgets, so its books must too."""
    path.parent.mkdir(exist_ok=True)
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
