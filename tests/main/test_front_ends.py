"""Settings of bot, HTTP and jobs, from the environment and farthing.toml."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.money import Money
from main.container import Container, open_container
from main.front_ends import bot_services, job_context, jobs, notices_of, web_services
from main.settings import read
from sandbox.app import Sandbox
from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.ports import LoggingNotifier

OLGA = 9001
TOKEN = "424242:AAtoken-of-the-tests"


@asynccontextmanager
async def opened(folder: Path, toml: str = "", **variables: str) -> AsyncIterator[Container]:
    (folder / "farthing.toml").write_text(toml)
    paths = {"FARTHING_CONFIG": str(folder / "farthing.toml"), "DATABASE_URL": f"sqlite:///{folder}/farthing.db"}
    async with open_container(read({**paths, **variables}, folder / "no.env")) as container:
        yield container


async def test_jobs_without_a_bot_write_to_the_log(tmp_path: Path) -> None:
    async with opened(tmp_path) as container:
        context = job_context(container)
    assert isinstance(context.notifier, LoggingNotifier)
    assert (context.take_up, context.stars) == (None, None)


async def test_alerts_of_a_process_without_the_bot_reach_the_admins(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        names = ("TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL", "ADMIN_IDS")
        variables = dict(zip(names, (sandbox.token, sandbox.telegram_url, str(OLGA)), strict=True))
        async with opened(tmp_path, "", **variables) as container:
            await _alert(container)
        (message,) = sandbox.world.messages(OLGA)
    assert "10" in message["text"]


async def _alert(container: Container) -> None:
    notices = notices_of(container)
    assert notices is not None
    web, jobs = web_services(container, None, notices), job_context(container, None, notices)
    assert jobs.notifier is notices.notifier
    assert web.alert_wrong_keys is not None
    await notices.start()
    try:
        await web.alert_wrong_keys(10)
    finally:
        await notices.stop()


async def test_process_without_a_token_sends_no_notices(tmp_path: Path) -> None:
    async with opened(tmp_path) as container:
        assert notices_of(container) is None


@pytest.mark.parametrize(
    ("toml", "folder"),
    [("", Path("backups")), ('[backup]\nfolder = ""\n', None), ('[backup]\nfolder = "x"\n', Path("x"))],
)
async def test_backup_folder_may_be_empty(tmp_path: Path, toml: str, folder: Path | None) -> None:
    async with opened(tmp_path, toml) as container:
        assert job_context(container).backup_folder == folder


@pytest.mark.parametrize(("plans_from", "wallet_pays"), [("stars", False), ("wallet", True), ("both", True)])
async def test_wallet_pays_plans_unless_only_stars_do(tmp_path: Path, plans_from: str, *, wallet_pays: bool) -> None:
    async with opened(tmp_path, f'[billing]\nplans_from = "{plans_from}"\n') as container:
        assert job_context(container).wallet_pays_plans is wallet_pays


async def test_prices_of_a_star_are_not_swapped(tmp_path: Path) -> None:
    toml = '[billing]\nusd_per_star = "0.02"\npayout_usd_per_star = "0.01"\n'
    async with opened(tmp_path, toml, TELEGRAM_BOT_TOKEN=TOKEN) as container:
        jobs, bot, web = job_context(container), bot_services(container).config, web_services(container)
    assert (jobs.per_star, jobs.payout_per_star) == (Money.usd("0.02"), Money.usd("0.01"))
    assert (bot.per_star, bot.payout_per_star) == (Money.usd("0.02"), Money.usd("0.01"))
    assert web.payout_per_star == Money.usd("0.01")


@pytest.mark.parametrize(
    ("public_url", "expected"), [("", "http://127.0.0.1:8081"), ("https://a.example", "https://a.example")]
)
async def test_bot_names_the_public_address_of_the_api(tmp_path: Path, public_url: str, expected: str) -> None:
    async with opened(tmp_path, PORT="8081", PUBLIC_URL=public_url, TELEGRAM_BOT_TOKEN=TOKEN) as container:
        assert bot_services(container).config.http_url == expected


@pytest.mark.parametrize(("mode", "is_open"), [("open", True), ("approval", False), ("invite", False)])
async def test_mini_app_needs_a_token_and_follows_the_access_mode(tmp_path: Path, mode: str, *, is_open: bool) -> None:
    toml = f'[access]\nmode = "{mode}"\n'
    async with opened(tmp_path, toml) as container:
        assert web_services(container).telegram is None
    async with opened(tmp_path, toml, TELEGRAM_BOT_TOKEN=TOKEN, ADMIN_IDS="1,2") as container:
        telegram = web_services(container).telegram
    assert telegram is not None
    assert (telegram.token, set(telegram.admin_ids), telegram.is_open) == (TOKEN, {1, 2}, is_open)


async def test_seller_is_printed_with_its_vat(tmp_path: Path) -> None:
    toml = '[seller]\nname = "Farthing"\naddress = "Road 1"\ntax_id = "T"\nvat_percent = "7.5"\n'
    async with opened(tmp_path, toml) as container:
        seller = web_services(container).seller
    assert (seller.name, seller.address, seller.tax_id, seller.vat_percent) == ("Farthing", "Road 1", "T", "7.5")


async def test_jobs_run_at_the_start_until_they_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[JobContext] = []
    began, may_end = asyncio.Event(), asyncio.Event()

    async def run(context: JobContext) -> None:
        began.set()
        await may_end.wait()
        ran.append(context)

    monkeypatch.setattr("scheduler.app.discover", lambda: (Job("recorded", "outages", run),))
    async with opened(tmp_path) as container:
        clock = jobs(container)
        await clock.start()
        await began.wait()
        await clock.quiet()
        stopping = asyncio.create_task(clock.stop())
        may_end.set()
        await stopping
    assert [context.lease_id for context in ran] == [container.lease.id]


@pytest.mark.parametrize(
    ("public_url", "shown"), [("", "http://127.0.0.1:9001"), ("https://bot.example", "https://bot.example")]
)
async def test_http_shows_the_public_address_and_admits_the_listed_origins(
    tmp_path: Path, public_url: str, shown: str
) -> None:
    toml = '[http]\ncors_origins = ["https://page.example"]\n'
    async with opened(tmp_path, toml, PORT="9001", PUBLIC_URL=public_url) as container:
        web = web_services(container)
    assert (web.public_url, tuple(web.cors_origins)) == (shown, ("https://page.example",))


async def test_wrong_admin_keys_are_logged_without_a_bot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(tmp_path) as container:
        alert = web_services(container).alert_wrong_keys
        assert alert is not None
        await alert(10)
    assert "alert.wrong_admin_keys {'n': 10}" in caplog.text


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080"), ("h.example", "http://h.example:8080")],
)
async def test_address_of_http_is_a_url(tmp_path: Path, host: str, url: str) -> None:
    async with opened(tmp_path, "", HOST=host) as container:
        assert web_services(container).public_url == url
