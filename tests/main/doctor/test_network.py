"""Checks over the network, against the sandbox's Telegram and providers."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from main.doctor.finding import Finding, Level
from main.doctor.network import check_providers, check_telegram, clock_finding
from main.http.server import http_server
from main.settings import Settings
from sandbox.app import Sandbox
from tests.served import served

Make = Callable[..., Settings]


async def told(findings: AsyncIterator[Finding]) -> list[str]:
    return [each.line().strip() async for each in findings]


async def test_healthy_bot(settings: Make) -> None:
    lines = await told(check_telegram(settings()))
    assert lines[0] == "ok  TELEGRAM_BOT_TOKEN: it is @farthing_sandbox_bot"
    assert lines[1].startswith("ok  clock: within")
    assert lines[2] == "ok  webhook: long polling"


async def test_refused_token_and_silent_server_are_faults(settings: Make) -> None:
    (line,) = await told(check_telegram(settings(TELEGRAM_BOT_TOKEN="11111:" + "x" * 35)))
    assert line.startswith("FAULT  TELEGRAM_BOT_TOKEN: Telegram refuses it")
    (line,) = await told(check_telegram(settings(TELEGRAM_API_URL="http://127.0.0.1:1")))
    assert "does not answer (ConnectError)" in line
    assert "TELEGRAM_PROXY" in line


async def test_without_a_token_nothing_is_asked(settings: Make) -> None:
    assert await told(check_telegram(settings(TELEGRAM_BOT_TOKEN=""))) == ["ok  TELEGRAM_BOT_TOKEN: not set; HTTP only"]


async def test_admin_who_is_unknown_is_a_warning(settings: Make) -> None:
    lines = await told(check_telegram(settings(ADMIN_IDS="424242")))
    assert lines[-1].startswith("!  ADMIN_IDS: 424242 can't be told yet")


class OddBotApi:
    """Answers with a given webhook."""

    def __init__(self) -> None:
        self.webhook = {"url": ""}

    async def call(self, request: Request) -> JSONResponse:
        results = {"getMe": {"username": "odd_bot"}, "getWebhookInfo": self.webhook, "getChat": {"id": 1}}
        return JSONResponse({"ok": True, "result": results[request.path_params["method"]]})


@pytest.fixture
async def odd() -> AsyncIterator[tuple[OddBotApi, str]]:
    api = OddBotApi()
    app = Starlette(routes=[Route("/bot{token}/{method}", api.call)])
    async with served(http_server(app, "127.0.0.1", 0)) as url:
        yield api, url


@pytest.mark.parametrize(
    ("skew", "level", "said"),
    [
        (timedelta(minutes=10), Level.WARNING, "s slow"),
        (timedelta(minutes=-10), Level.WARNING, "s fast"),
        (timedelta(seconds=50), Level.FINE, "of Telegram's"),
    ],
)
def test_clock_is_compared_with_the_date_of_the_answer(skew: timedelta, level: Level, said: str) -> None:
    date = format_datetime(datetime.now(UTC) + skew, usegmt=True)
    found = clock_finding(httpx.Response(200, headers={"date": date}))
    assert found is not None
    assert (found.level, said in found.text) == (level, True)


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
def test_answer_without_a_date_says_nothing_of_the_clock(headers: dict[str, str]) -> None:
    assert clock_finding(httpx.Response(200, headers=headers)) is None


@pytest.mark.parametrize(
    ("public_url", "info", "said"),
    [
        ("", {"url": "https://old.example/telegram"}, "ok  webhook: long polling; the webhook that is set is removed"),
        ("https://f.example", {"url": ""}, "ok  webhook: not set yet"),
        ("https://f.example", {"url": "https://other.example/telegram"}, "!  webhook: another address is set"),
        ("https://f.example", {"url": "https://f.example.evil/x"}, "!  webhook: another address is set"),
        (
            "https://f.example",
            {"url": "https://f.example/telegram", "last_error_message": "Wrong response: 502"},
            "!  webhook: Telegram's last call failed: Wrong response: 502",
        ),
        (
            "https://f.example/",
            {"url": "https://f.example/telegram", "pending_update_count": 3},
            "ok  webhook: set; 3 updates wait",
        ),
    ],
)
async def test_webhook_is_compared_with_public_url(
    settings: Make, odd: tuple[OddBotApi, str], public_url: str, info: dict[str, str], said: str
) -> None:
    api, url = odd
    api.webhook = info
    lines = await told(check_telegram(settings(TELEGRAM_API_URL=url, PUBLIC_URL=public_url)))
    assert [line for line in lines if said in line], lines


@pytest.mark.parametrize(
    ("mode", "line"),
    [
        ("up", "ok  deepseek: answers, and takes the key"),
        ("key_refused", "FAULT  deepseek: it refuses the key"),
        ("down", "!  deepseek: it does not answer now"),
    ],
)
async def test_keys_are_probed(settings: Make, sandbox: Sandbox, mode: str, line: str) -> None:
    sandbox.stand_ins.set_mode("deepseek", mode)
    found, *verdict = await told(check_providers(settings()))
    assert found.startswith(line)
    assert [each.split("\n")[0] for each in verdict] == (
        [] if mode == "up" else ["FAULT  providers: no key works, so nothing can be answered now"]
    )


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        (
            {"DEEPSEEK_BASE_URL": "http://127.0.0.1:1/v1"},
            "a server runs at http://127.0.0.1:1/v1, else correct DEEPSEEK_BASE_URL",
        ),
        ({"DEEPSEEK_PROXY": "http://127.0.0.1:1"}, "the proxy of DEEPSEEK_PROXY runs"),
        ({"DEEPSEEK_BASE_URL": "", "DEEPSEEK_PROXY": "http://127.0.0.1:1"}, "the proxy of DEEPSEEK_PROXY runs"),
    ],
)
async def test_advice_names_the_setting_that_leads_to_a_provider(
    settings: Make, changes: dict[str, str], advice: str
) -> None:
    line, _ = await told(check_providers(settings(**changes)))
    assert line.startswith("!  deepseek: it does not answer now (")
    assert advice in line


async def test_one_provider_that_answers_is_enough(settings: Make) -> None:
    lines = await told(check_providers(settings(LOCAL_BASE_URL="http://127.0.0.1:1/v1")))
    assert sorted(line.split(":")[0] for line in lines) == ["!  local", "ok  deepseek"]


async def test_each_of_several_keys_is_probed(settings: Make) -> None:
    lines = await told(check_providers(settings(DEEPSEEK_API_KEY="sk-a,sk-b")))
    assert [line.split(":")[0] for line in lines] == ["ok  deepseek, key 1", "ok  deepseek, key 2"]


async def test_no_provider_is_a_fault(settings: Make) -> None:
    (line,) = await told(check_providers(settings(DEEPSEEK_API_KEY="")))
    assert line.startswith("FAULT  providers: none has a key")
