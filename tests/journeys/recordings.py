"""Helpers for journeys of recordings."""

from typing import Any

from engine.money import Money
from storage.ledger import transfers
from storage.tenants import tenants
from tests.journeys.conftest import ANN, Journey

RECORDING = b"s" * 50_000  # 12.5 seconds for the stand-in: 13 are billed
COST, CHARGE = 144_517, 202_323  # 667,000 x 13 / 60 = 144,516.67; times 1.40 = 202,323.33
WALLET = Money.usd("5")


async def funded_tenant(journey: Journey, user: int = ANN, wallet: Money = WALLET) -> int:
    """Credit the user's wallet. Return the tenant's id."""
    await journey.ask("/start", user)
    now = journey.container.clock.now()

    def unit(conn: Any) -> int:
        state = tenants.by_telegram(conn, user)
        assert state is not None
        transfers.credit(conn, state.id, wallet, ref=f"gift:{user}", reason="gift", now=now)
        return state.id

    return await journey.container.db.write(unit)


def voice(journey: Journey, data: bytes = RECORDING, seconds: int = 12) -> dict[str, Any]:
    world = journey.sandbox.world
    file = world.keep_file("file_0.oga", "audio/ogg", data)
    return {
        "file_id": file,
        "file_unique_id": file,
        "file_size": len(data),
        "duration": seconds,
        "mime_type": "audio/ogg",
    }


async def send_recording(journey: Journey, user: int = ANN, chat: int | None = None, **recording: Any) -> list[str]:
    """Send a recording. Return the texts of the bot's messages after it."""
    world, place = journey.sandbox.world, user if chat is None else chat
    replied = recording.pop("reply_to", None)
    said = world.say(place, user, "", reply_to=replied, voice=voice(journey, **recording))
    await world.wait_message(place, lambda m: m["message_id"] > said["message_id"])
    await journey.idle()
    return [m["text"] for m in world.messages(place) if m["message_id"] > said["message_id"]]


async def transcription_attempts(journey: Journey) -> list[Any]:
    return await journey.rows("SELECT * FROM attempts WHERE request_id LIKE '%:voice%' ORDER BY id")


async def wallet(journey: Journey, tenant: int) -> int:
    (account,) = await journey.rows(f"SELECT * FROM accounts WHERE tenant_id = {tenant}")
    assert account["held_nanousd"] == 0
    return int(account["balance_nanousd"])
