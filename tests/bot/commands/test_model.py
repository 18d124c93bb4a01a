"""/model: choose a model, with its charge."""

from dataclasses import replace

import pytest

from tests.bot.commands.conftest import ANN, Chat


async def chosen(chat: Chat) -> object:
    return (await chat.state()).settings.get("model", "auto")


async def test_list_shows_each_model_with_its_charge(chat: Chat) -> None:
    text = await chat.say("/model")
    assert "Now: auto" in text
    assert "auto: the cheapest available, $5.00 per 1M tokens" in text
    assert "smart: cost × 1.4, from the wallet (now about 0." in text


async def test_model_is_chosen_by_name(chat: Chat) -> None:
    assert await chat.say("/model smart") == "From now on, smart answers."
    assert await chosen(chat) == "smart"
    assert "Now: smart" in await chat.say("/model")


async def test_model_is_chosen_by_button(chat: Chat) -> None:
    await chat.say("/model")
    assert "Now: smart." in await chat.press("smart")
    assert await chosen(chat) == "smart"
    assert [name for name, _ in chat.buttons()][-len(chat.services.market.catalog.names()) :].count("✓ smart") == 1


async def test_button_of_a_model_outside_the_plan_says_so_and_leaves_the_list(chat: Chat) -> None:
    await chat.say("/model")
    chat.change(plans={name: replace(plan, models=("auto",)) for name, plan in chat.services.plans.items()})
    (answer,) = await chat.press_data(chat.button("smart"))
    assert answer.method == "answerCallbackQuery"
    assert "Your plan free does not include smart" in answer.text
    assert await chosen(chat) == "auto"


@pytest.mark.parametrize("name", ["nothing", "../smart", "deepseek/"])
async def test_unknown_model_is_refused(chat: Chat, name: str) -> None:
    assert f"There is no model called “{name}”" in await chat.say(f"/model {name}")
    assert await chosen(chat) == "auto"


async def test_model_outside_the_plan_is_refused(chat: Chat) -> None:
    plans = {name: replace(plan, models=("auto",)) for name, plan in chat.services.plans.items()}
    chat.change(plans=plans)
    assert "Your plan free does not include smart" in await chat.say("/model smart")
    assert await chosen(chat) == "auto"


async def test_button_of_a_model_that_is_gone_is_stale(chat: Chat) -> None:
    await chat.say("/model")
    count = len(chat.services.market.catalog.names())
    calls = await chat.press_data(f"model:set:{count}:{ANN}")
    assert "out of date" in calls[0].text
    await chat.press_data(f"model:set:{count - 1}:{ANN}")
    assert await chosen(chat) == chat.services.market.catalog.names()[-1]


async def test_chosen_model_replaces_the_list_in_place(chat: Chat) -> None:
    await chat.say("/model")
    calls = [call.method for call in await chat.press_data(chat.button("auto"))]
    assert calls == ["editMessageText", "answerCallbackQuery"]


async def test_name_in_capitals_is_the_model_of_that_name(chat: Chat) -> None:
    assert await chat.say("/model GPT-4o-Mini") == "From now on, gpt-4o-mini answers."
    assert await chat.say("/model GPT-77") == "There is no model called “GPT-77”. /model shows the models on offer."
