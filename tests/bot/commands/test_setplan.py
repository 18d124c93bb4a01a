"""/setplan: the confirmation, and the button that undoes the change."""

from storage.tenants import tenant_settings
from tests.bot.commands.conftest import ANN, OLGA, Chat


async def test_setplan_needs_a_plan_that_exists(chat: Chat) -> None:
    await chat.say("/start")
    assert "There is no plan gold. The plans are: free, starter, pro." in await chat.say("/setplan 1 gold", OLGA)
    assert (await chat.state()).plan == "free"


async def test_setplan_changes_the_plan_and_tells_the_tenant(chat: Chat) -> None:
    await chat.say("/start")
    assert "Move Ann from plan free to plan pro?" in await chat.say("/setplan 1 pro", OLGA)
    assert (await chat.state()).plan == "free"
    assert "Ann is on plan pro." in await chat.press("Yes, do it", OLGA)
    assert (await chat.state()).plan == "pro"
    assert "You are on plan pro now." in chat.told(ANN)
    assert await chat.say("/setplan 1 pro", OLGA) == "Ann is on plan pro already."


async def test_cancelled_question_changes_nothing(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/setplan 1 pro", OLGA)
    assert await chat.press("Cancel", OLGA) == "Nothing was changed."
    assert (await chat.state()).plan == "free"


async def test_plan_that_left_the_configuration_is_not_set(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/setplan 1 pro", OLGA)
    chat.change(plans={name: plan for name, plan in chat.services.plans.items() if name != "pro"})
    assert await chat.press("Yes, do it", OLGA) == "Nothing was changed."
    assert (await chat.state()).plan == "free"


async def test_setplan_to_the_same_plan_tells_the_tenant_nothing(chat: Chat) -> None:
    await chat.say("/start")
    assert await chat.say("/setplan 1 free", OLGA) == "Ann is on plan free already."
    assert not [text for text in chat.told(ANN) if "You are on plan" in text]


async def test_blocked_bot_sends_no_notice(chat: Chat) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: tenant_settings.set_blocked(conn, ANN, True))
    await chat.say("/setplan 1 pro", OLGA)
    await chat.press("Yes, do it", OLGA)
    assert not [text for text in chat.told(ANN) if "You are on plan" in text]


async def test_plan_that_left_the_configuration_cant_be_undone_to(chat: Chat) -> None:
    await chat.say("/start")
    chat.change(plans={name: plan for name, plan in chat.services.plans.items() if name != "free"})
    await chat.say("/setplan 1 pro", OLGA)
    await chat.press("Yes, do it", OLGA)
    assert "Undo" not in [label for label, _ in chat.buttons()]


async def test_change_of_ones_own_plan_is_named(chat: Chat) -> None:
    await chat.say("/start", OLGA)
    assert "This is your own account." in await chat.say("/setplan Olga pro", OLGA)
