from dataclasses import replace

import pytest
from msgspec import structs
from telegram import InlineKeyboardMarkup

from bot.buttons import read
from bot.chat.variants import LONGER, SHORTER, answer_keyboard, smart_price, variant_turns
from bot.spending.prices import price_by
from engine.chat import ChatRequest, Finish, Role, Usage, says
from engine.completion import Choice, Completion
from engine.money import Money
from engine.tenancy import Plan
from tests.bot.contexts import context_of, private_message
from tests.bot.questions.test_buttons import record
from tests.journeys.conftest import ANN, GROUP_ID, Journey

PLAN = Plan(name="free", usd_per_month=Money(0), tokens_per_month=0, requests_per_minute=6, max_output_tokens=100)
ASKED = ChatRequest("r", "auto", (says(Role.USER, "tell me about the sea"),))


def answer(text: str, finish: Finish | None = Finish.STOP, *, stopped: bool = False) -> Completion:
    return Completion("deepseek", "m", (Choice(text, (), finish),), Usage(9, 9), stopped=stopped)


ANSWER = answer("The sea is wide. " * 20)


@pytest.mark.parametrize("variant", [SHORTER, LONGER])
def test_variant_continues_the_answer_that_stands(variant: str) -> None:
    answer, instruction = variant_turns(variant, "The sea is wide.")
    assert (answer.role, answer.text, instruction.role) == (Role.ASSISTANT, "The sea is wide.", Role.USER)


@pytest.mark.parametrize(("variant", "standing"), [("", "text"), ("again", "text"), (SHORTER, None), (SHORTER, "")])
def test_other_asks_have_no_further_turns(variant: str, standing: str | None) -> None:
    assert variant_turns(variant, standing) == ()


def labels(keyboard: InlineKeyboardMarkup) -> list[str]:
    return [each.text for row in keyboard.inline_keyboard for each in row]


async def test_buttons_act_on_the_answer_that_is_about_to_stand(journey: Journey) -> None:
    context = context_of(journey, private_message(user=ANN))
    keyboard = answer_keyboard(context, record(number=8, answers=2), ASKED, PLAN, ANSWER)
    pressed = [read(str(each.callback_data)) for row in keyboard.inline_keyboard for each in row]
    assert [each and (each.command, each.action, each.args, each.owner) for each in pressed] == [
        ("retry", "variant", (name, "8", "3"), ANN) for name in ("again", "shorter", "longer", "smarter")
    ]


async def test_stronger_model_is_offered_with_its_expected_price_in_private_only(journey: Journey) -> None:

    market = journey.container.market
    context = context_of(journey, private_message(user=ANN))
    price = smart_price(market.catalog, market.clock, ASKED, ANSWER)
    assert price is not None
    assert price == price.significant(1)
    private = labels(answer_keyboard(context, record(), ASKED, PLAN, ANSWER))
    assert private[-1] == f"🧠 Smarter (≈ {context.written(price)})"
    in_group = replace(record(), place=replace(record().place, chat_id=GROUP_ID))
    assert labels(answer_keyboard(context, in_group, ASKED, PLAN, ANSWER))[-1] == "🧠 Smarter"


async def test_price_of_the_stronger_model_is_of_an_answer_as_long_as_this_one(journey: Journey) -> None:
    market = journey.container.market

    def price(given: Completion) -> int:
        found = smart_price(market.catalog, market.clock, ASKED, given)
        assert found is not None
        return found.nanousd

    usual = price_by(market.catalog, market.clock.now(), ASKED, "smart")
    assert usual is not None
    short, longer = answer("Yes."), answer("The sea is wide. " * 2000)
    assert price(short) < usual.nanousd < price(longer)
    assert 90 < price(longer) / price(answer("The sea is wide. " * 20)) < 101
    for cut in (answer("Yes", None, stopped=True), answer("Yes", Finish.LENGTH), answer("")):
        assert price(cut) == usual.significant(1).nanousd


@pytest.mark.parametrize("reason", ["asked already", "not in the plan"])
async def test_stronger_model_is_not_offered_where_it_makes_no_sense(journey: Journey, reason: str) -> None:

    context = context_of(journey, private_message(user=ANN))
    asked = structs.replace(ASKED, model="smart") if reason == "asked already" else ASKED
    plan = replace(PLAN, models=("auto",)) if reason == "not in the plan" else PLAN
    assert not any("Smarter" in label for label in labels(answer_keyboard(context, record(), asked, plan, ANSWER)))
