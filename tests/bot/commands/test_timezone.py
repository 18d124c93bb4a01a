"""/timezone: shown, found by words, chosen by buttons."""

from storage.schedules.zones import zone_of
from tests.bot.commands.conftest import Chat


async def zone(chat: Chat) -> str:
    return zone_of((await chat.state()).settings).key


async def test_zone_is_shown_with_its_time_and_buttons(chat: Chat) -> None:
    assert "UTC" in await chat.say("/timezone")
    assert "Europe/Berlin, where it is 13:00 now" in await chat.press("Berlin")
    assert await zone(chat) == "Europe/Berlin"
    assert "have not chosen" not in await chat.say("/timezone")


async def test_city_after_the_command_sets_it(chat: Chat) -> None:
    assert "Asia/Ho Chi Minh" in await chat.say("/timezone hà nội")
    assert await zone(chat) == "Asia/Ho_Chi_Minh"


async def test_offset_asks_which_zone_is_meant(chat: Chat) -> None:
    assert "Which one" in await chat.say("/timezone +7")
    assert "Asia/Bangkok" in await chat.press("Bangkok")
    assert await zone(chat) == "Asia/Bangkok"
    await chat.say("/timezone +7")
    assert "UTC+7" in await chat.press("UTC+7")
    assert await zone(chat) == "Etc/GMT-7"


async def test_city_is_asked_for_and_unknown_ones_are_told(chat: Chat) -> None:
    assert "no time zone by that name" in await chat.say("/timezone atlantis")
    await chat.say("/timezone")
    assert "Send me your city" in await chat.press("Another one")
    assert "no time zone by that name" in await chat.say("atlantis")
    assert "Asia/Tokyo" in await chat.say("tokyo")
    assert await zone(chat) == "Asia/Tokyo"


async def test_waiting_for_a_city_can_be_cancelled(chat: Chat) -> None:
    await chat.say("/timezone")
    await chat.press("Another one")
    assert "Your time zone" in await chat.press("Cancel")
    assert "an answer" in await chat.say("tokyo")


async def test_settings_lead_to_it(chat: Chat) -> None:
    assert "Time zone: UTC" in await chat.say("/settings")
    assert "Your time zone" in await chat.press("Time zone")


async def test_unknown_zone_in_a_button_changes_nothing(chat: Chat) -> None:
    await chat.say("/timezone")
    await chat.press_data(chat.button("Berlin").replace("Europe/Berlin", "Mars/Olympus"))
    assert await zone(chat) == "UTC"
