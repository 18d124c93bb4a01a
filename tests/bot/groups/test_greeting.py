"""The greeting of a group that the bot was added to."""

import pytest

from sandbox.telegram.refusals import refuse
from sandbox.telegram.world import Chat
from storage.tenants import tenants
from tests.bot.contexts import bot_texts, text
from tests.journeys.conftest import ANN, BAO, GROUP_ID, Journey


@pytest.mark.parametrize(
    ("before", "after", "greets"),
    [
        ("left", "member", True),
        ("kicked", "member", True),
        ("left", "administrator", True),
        ("member", "administrator", False),
        ("administrator", "member", False),
        ("member", "left", False),
        ("member", "kicked", False),
    ],
)
async def test_group_is_greeted_when_the_bot_is_added(journey: Journey, before: str, after: str, greets: bool) -> None:
    journey.sandbox.world.change_membership(GROUP_ID, ANN, before, after)
    await journey.idle()
    assert bot_texts(journey, GROUP_ID) == ([greeting(journey)] if greets else [])
    assert await journey.container.db.read(tenants.count) == 0


async def test_greeting_speaks_the_language_of_the_person_who_added_the_bot(journey: Journey) -> None:
    journey.sandbox.world.change_membership(GROUP_ID, BAO, "left", "member")
    await journey.idle()
    assert "Ai hỏi thì người đó trả" in bot_texts(journey, GROUP_ID)[0]


async def test_group_that_the_bot_may_not_write_in_is_no_error(
    journey: Journey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    journey.sandbox.world.blocked.add(GROUP_ID)
    journey.sandbox.world.change_membership(GROUP_ID, ANN, "left", "member")
    await journey.idle()
    assert "could not be greeted" in caplog.text
    assert "error" not in caplog.text.lower()
    assert refuse("blocked").code == 403


def greeting(journey: Journey) -> str:
    hello = text("group.hello", bot=journey.bot.bot.username).replace("**", "")
    return hello + "\n\n" + text("group.sees_some")


async def test_group_is_greeted_once_a_day_and_not_after_its_move(journey: Journey) -> None:
    world = journey.sandbox.world
    for _ in range(2):
        world.change_membership(GROUP_ID, ANN, "left", "member")
    await journey.idle()
    assert len(bot_texts(journey, GROUP_ID)) == 1
    world.chats[-1007] = Chat(-1007, "supergroup", "Tea room", tuple(world.users))
    world.say(-1007, ANN, "", migrate_from_chat_id=GROUP_ID)
    await journey.idle()
    world.change_membership(-1007, ANN, "left", "member")
    await journey.idle()
    assert bot_texts(journey, -1007) == []


async def test_admin_of_a_group_sees_all_messages_and_says_so(journey: Journey) -> None:
    journey.sandbox.world.chats[GROUP_ID].admins += (journey.bot.bot.id,)
    assert text("group.sees_all") in await journey.ask("/start", ANN, GROUP_ID)
