from dataclasses import replace
from typing import Any

import pytest

from bot.app import Bot, TokenRefusedError
from bot.services import Services
from main.front_ends import bot_services
from storage.tenants import tenants
from tests.journeys.conftest import ANN, Journey


def services(journey: Journey, **changes: Any) -> Services:
    made = bot_services(journey.container)
    return replace(made, config=replace(made.config, **changes))


async def test_refused_token_and_unreachable_api_stop_the_start(journey: Journey) -> None:
    refused = Bot(services(journey, token="1:wrong"))
    with pytest.raises(TokenRefusedError, match="TELEGRAM_BOT_TOKEN"):
        await refused.start()
    await refused.stop()
    unreachable = Bot(services(journey, api_url="http://127.0.0.1:1"))
    with pytest.raises(OSError, match=r"127\.0\.0\.1:1 does not answer"):
        await unreachable.start()
    await unreachable.stop()
    behind = Bot(services(journey, api_url="http://127.0.0.1:1", proxy="http://127.0.0.1:1"))
    with pytest.raises(OSError, match="does not answer through TELEGRAM_PROXY"):
        await behind.start()
    await behind.stop()


async def test_webhook_has_a_route_and_polling_has_none(journey: Journey) -> None:
    assert journey.bot.routes == []
    bot = Bot(services(journey, public_url="https://farthing.example"))
    assert len(bot.routes) == 1
    await bot.stop()


async def test_block_is_noted_until_the_user_returns(journey: Journey) -> None:
    await journey.ask("/start")

    async def blocked() -> bool:
        await journey.idle()
        state = await journey.container.db.read(lambda conn: tenants.by_telegram(conn, ANN))
        return state is not None and state.blocked

    journey.sandbox.world.block(ANN)
    assert await blocked()
    journey.sandbox.world.unblock(ANN)
    assert not await blocked()
