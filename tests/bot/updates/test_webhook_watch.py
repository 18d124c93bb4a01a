"""The webhook that another process with the same token removes, replaces, or sets with another secret."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from telegram import WebhookInfo
from telegram.error import BadRequest, NetworkError, TelegramError

from bot.updates import webhook_watch
from bot.updates.webhook_watch import WebhookWatch

URL, NOW = "https://f.test/telegram", datetime(2026, 11, 30, tzinfo=UTC)


class Telegram:
    """The two methods that the watch calls. `refusals` are raised first."""

    def __init__(self, url: str = URL) -> None:
        self.url, self.sets, self.refusals = url, list[str](), list[TelegramError]()
        self.error: tuple[datetime, str] | None = None

    async def get_webhook_info(self) -> WebhookInfo:
        if self.refusals:
            raise self.refusals.pop()
        at, message = self.error or (None, None)
        return WebhookInfo(self.url, False, 0, last_error_date=at, last_error_message=message)

    async def set_webhook(self, url: str, *, secret_token: str, **_: Any) -> None:
        self.url = url
        self.sets.append(secret_token)


class Notes:
    def __init__(self) -> None:
        self.count, self.noted = 0, asyncio.Event()

    async def note(self) -> None:
        self.count += 1
        self.noted.set()


@pytest.fixture
def telegram() -> Telegram:
    return Telegram()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def watch(telegram: Telegram, notes: Notes) -> WebhookWatch:
    return WebhookWatch(telegram, "https://f.test/", "s3cret", notes.note)  # type: ignore[arg-type]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_watch, "CHECK_SECONDS", 0.001)


async def test_own_webhook_is_left_alone(watch: WebhookWatch, telegram: Telegram, notes: Notes) -> None:
    telegram.error = (NOW, "Wrong response from the webhook: 503 Service Unavailable")
    await watch.check()
    assert (telegram.sets, notes.count) == ([], 0)


@pytest.mark.parametrize("url", ["", "https://other.test/telegram"])
async def test_removed_or_replaced_webhook_is_set_again_and_noted(
    watch: WebhookWatch, telegram: Telegram, notes: Notes, url: str
) -> None:
    telegram.url = url
    for _ in range(2):
        await watch.check()
    assert (telegram.url, telegram.sets, notes.count) == (URL, ["s3cret"], 1)


async def test_webhook_with_another_secret_is_set_again_once_for_each_refusal(
    watch: WebhookWatch, telegram: Telegram, notes: Notes
) -> None:
    for at in (NOW, NOW, NOW + timedelta(minutes=1)):
        telegram.error = (at, "Wrong response from the webhook: 403 Forbidden")
        await watch.check()
    assert (telegram.sets, notes.count) == (["s3cret"] * 2, 2)


@pytest.mark.usefixtures("quick")
async def test_watch_goes_on_after_errors(watch: WebhookWatch, telegram: Telegram, notes: Notes) -> None:
    telegram.url, telegram.refusals = "", [BadRequest("x"), NetworkError("gone")]
    watch.start()
    async with asyncio.timeout(60):
        await notes.noted.wait()
    await watch.stop()
    await watch.stop()
    assert telegram.url == URL
