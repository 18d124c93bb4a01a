"""The sandbox command: a local Telegram and stand-in providers, with the real bot over an empty database."""

import secrets
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from engine.chat import ChatRequest, Role, says
from engine.errors import EngineError
from engine.providers.registry import specs
from main.config import TranscriberSection
from main.config_sections import BackupSection
from main.container import Container
from main.processes import EVERYTHING, run_parts
from main.settings import Settings, read
from sandbox.app import Sandbox

USUAL_PROMPT = "Explain compound interest to a ten-year-old, with a small table."
TRANSCRIBER = TranscriberSection(offer="groq/whisper-large-v3-turbo", usd_per_minute=Decimal("0.000667"))
DATABASE = Path("sandbox-data/farthing.db")


async def run_sandbox(settings: Settings) -> int:
    """Run the sandbox, and Farthing over it, until a signal; return the exit code."""
    admin_key = admin_key_of(settings)
    farthing_url = f"http://{settings.env.host}:{settings.env.port}"
    _delete_database()
    async with Sandbox(
        port=settings.env.sandbox_port,
        farthing_url=farthing_url,
        farthing_admin_key=admin_key,
        providers=stand_in_providers(),
    ) as sandbox:
        print(f"\n  Farthing's sandbox is at {sandbox.url}\n  (Ctrl-C stops it)\n", flush=True)  # noqa: T201

        def show_route(container: Container) -> None:
            sandbox.route_by(partial(next_offers, container), partial(expected_costs, container))

        return await run_parts(
            sandbox_settings(settings, sandbox, admin_key), EVERYTHING, is_sandbox=True, opened=show_route
        )


def admin_key_of(settings: Settings) -> str:
    """Return ADMIN_API_KEY if it is set; else a random key, which only the sandbox's page uses."""
    return settings.admin_key or secrets.token_hex(16)


def stand_in_providers() -> dict[str, str]:
    """Return the dialect of each built-in provider that needs a key, by name. The sandbox stands in for these."""
    return {name: spec.dialect for name, spec in specs().items() if spec.needs_key}


def sandbox_settings(settings: Settings, sandbox: Sandbox, admin_key: str) -> Settings:
    """Return `settings` with the sandbox's Telegram, providers and database; .env is not read."""
    env = settings.env
    variables = {
        "TELEGRAM_BOT_TOKEN": sandbox.token,
        "TELEGRAM_API_URL": sandbox.telegram_url,
        "ADMIN_IDS": str(sandbox.admin_id),
        "ADMIN_API_KEY": admin_key,
        "DATABASE_URL": f"sqlite:///{DATABASE}",
        "HOST": env.host,
        "PORT": str(env.port),
        "LOG_LEVEL": env.log_level,
        "LOG_FORMAT": env.log_format,
    }
    for name, url in sandbox.provider_urls.items():
        variables |= {f"{name.upper()}_BASE_URL": url, f"{name.upper()}_API_KEY": f"sandbox-{name}-key"}
    changes = {"backup": BackupSection(folder=""), "transcriber": settings.config.transcriber or TRANSCRIBER}
    return replace(read(variables, Path("no.env")), config=settings.config.model_copy(update=changes))


def next_offers(container: Container, prompt: str = "") -> list[str]:
    """Return the offers that `auto` would try now for a prompt, in order; [] if there is none.

    Without a prompt, a typical one is assumed.
    """
    try:
        route = container.gateway.route(container.market.catalog.model("auto"), _request(prompt))
    except EngineError:
        return []
    return [quote.offer.name for quote in route.quotes]


def expected_costs(container: Container, prompt: str = "") -> dict[str, str]:
    """Return the expected cost in USD of a prompt's answer by each suitable offer of `auto`, even a resting one."""
    catalog = container.market.catalog
    quotes, _ = catalog.quote(_request(prompt), catalog.model("auto"), container.clock.now())
    return {quote.offer.name: str(quote.expected) for quote in quotes}


def _request(prompt: str) -> ChatRequest:
    return ChatRequest("page", "auto", (says(Role.USER, prompt or USUAL_PROMPT),))


def _delete_database() -> None:
    """Delete the database, so that each run starts empty like the sandbox's Telegram."""
    DATABASE.parent.mkdir(exist_ok=True)
    for each in DATABASE.parent.glob(f"{DATABASE.name}*"):
        each.unlink()
