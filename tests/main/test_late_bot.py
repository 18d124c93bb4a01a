import asyncio
from typing import Any, cast

import pytest

from bot.app import Bot, TokenRefusedError
from main import late_bot
from main.late_bot import LateBot


class Telegramless:
    """A bot whose first starts fail with given errors; later ones succeed."""

    def __init__(self, *failures: OSError) -> None:
        self.failures, self.calls = list(failures), list[str]()
        self.up = asyncio.Event()

    async def start(self) -> None:
        self.calls.append("start")
        if self.failures:
            raise self.failures.pop(0)
        self.up.set()

    async def quiet(self) -> None:
        self.calls.append("quiet")

    async def stop(self) -> None:
        self.calls.append("stop")


def late(bot: Any) -> LateBot:
    return LateBot(cast(Bot, bot))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_bot, "RETRY_SECONDS", 0.01)


async def test_bot_starts_once_telegram_is_back(caplog: pytest.LogCaptureFixture) -> None:
    bot = Telegramless(OSError("away"), OSError("away"))
    component = late(bot)
    await component.start()
    await asyncio.wait_for(bot.up.wait(), 60)
    await component.quiet()
    await component.stop()
    assert bot.calls == ["start", "start", "start", "quiet", "stop"]
    assert "HTTP is served without the bot" in caplog.text


async def test_stop_ends_the_attempts() -> None:
    bot = Telegramless(*[OSError("away")] * 1000)
    component = late(bot)
    await component.start()
    await component.quiet()
    await component.stop()
    before = len(bot.calls)
    await asyncio.sleep(0.05)
    assert len(bot.calls) == before


async def test_refused_token_stops_the_start_and_later_the_attempts(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TokenRefusedError):
        await late(Telegramless(TokenRefusedError("no"))).start()
    bot = Telegramless(OSError("away"), TokenRefusedError("revoked meanwhile"))
    component = late(bot)
    await component.start()
    async with asyncio.timeout(60):
        while "revoked meanwhile" not in caplog.text:
            await asyncio.sleep(0.01)
    await component.quiet()
    assert bot.calls == ["start", "start", "quiet"]
