import pytest

from bot.attachments.downloads import MOST_FILE_BYTES, Unreadable, download
from tests.bot.contexts import context_of, private_message
from tests.journeys.conftest import Journey


async def refusal(journey: Journey, file_id: str, size: int = 5) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        await download(file_id, size, context_of(journey, private_message()))
    return caught.value


async def test_file_is_downloaded_whole(journey: Journey) -> None:
    file_id = journey.sandbox.world.keep_file("a.txt", "text/plain", b"x" * 100_000)
    assert await download(file_id, 100_000, context_of(journey, private_message())) == b"x" * 100_000


async def test_file_over_the_limit_is_refused_before_any_call(journey: Journey) -> None:
    assert (await refusal(journey, "x", MOST_FILE_BYTES + 1)).key == "chat.file_big"
    assert "getFile" not in [name for name, _ in journey.sandbox.world.calls]


async def test_file_that_telegram_finds_too_big_is_refused(journey: Journey) -> None:
    file_id = journey.sandbox.world.keep_file("a.bin", "x/y", bytes(20 * 1024 * 1024 + 1))
    assert (await refusal(journey, file_id)).key == "chat.file_big"


async def test_unknown_file_is_gone(journey: Journey) -> None:
    assert (await refusal(journey, "nothing")).key == "chat.file_gone"


async def test_refusal_names_the_users_limits(journey: Journey) -> None:
    file_id = journey.sandbox.world.keep_file("a.txt", "text/plain", b"x")
    for _ in range(10):
        await download(file_id, 1, context_of(journey, private_message()))
    refused = await refusal(journey, file_id, 1)
    assert (refused.key, refused.values) == ("chat.files_minute", {"minute": 10, "mb": 200})
