"""The page of /settings where a person chooses how long texts are kept."""

from tests.bot.commands.conftest import Chat


async def opened(chat: Chat) -> str:
    await chat.say("/settings")
    return await chat.press("How long they are kept")


async def test_operators_time_is_shown_and_a_shorter_one_can_be_chosen(chat: Chat) -> None:
    assert "Now: until 30 days after /new ends their conversation." in await opened(chat)
    assert "Now: 7 days after they were written." in await chat.press("7 days")
    assert (await chat.state()).keep_days == 7
    assert "Questions and answers are kept: 7 days after they were written" in await chat.say("/settings")
    assert "Questions and answers are kept 7 days after they were written" in await chat.say("/privacy")
    await opened(chat)
    assert "✓ 7 days" in [label for label, _ in chat.buttons()]
    await chat.press("The longest: 30 days")
    assert (await chat.state()).keep_days is None


async def test_no_time_beyond_the_operators_is_offered_or_taken(chat: Chat) -> None:
    chat.configure(keep_days=14)
    await opened(chat)
    labels = [label for label, _ in chat.buttons()]
    assert "7 days" in labels
    assert "30 days" not in labels
    await chat.press_data(chat.button("7 days").replace(":7:", ":90:"))
    assert (await chat.state()).keep_days is None


async def test_choice_that_the_operator_has_undercut_since_shows_the_operators_time(chat: Chat) -> None:
    await opened(chat)
    await chat.press("7 days")
    chat.configure(keep_days=3)
    assert "Now: until 3 days after /new" in await opened(chat)
