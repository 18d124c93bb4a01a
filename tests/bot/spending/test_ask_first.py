from dataclasses import replace

import pytest

from bot.buttons import MOST_DATA_BYTES
from bot.spending.ask_first import BRIEF, CHEAPER, GO_ON, agreed_ask, brief_instruction, question
from bot.spending.brake import AskFirst, Over
from engine.chat import ChatRequest, Role, says
from engine.money import Money
from engine.tenancy import Plan
from storage.telegram.questions import Ask
from tests.bot.contexts import context_of, private_message
from tests.bot.questions.test_buttons import record
from tests.journeys.conftest import ANN, Journey

PLAN = Plan(name="free", usd_per_month=Money(0), tokens_per_month=0, requests_per_minute=6, max_output_tokens=100)
ASKED = ChatRequest("r", "openai/gpt-4o", (says(Role.USER, "tell me about the sea"),))
AS_BEFORE = Ask("r", "smart", "shorter", 3)


def first(over: Over = Over.ANSWER, price: str = "1.234", tokens: int = 100) -> AskFirst:
    return AskFirst(ASKED, over, Money.usd(price), Money.usd("0.0123"), tokens)


@pytest.mark.parametrize(
    ("over", "text", "remedy"),
    [
        (Over.FUNDS, "up to $1.30; you have 1.23 ¢.", "topup:open"),
        (Over.ANSWER, "up to $1.30; your limit is 1.23 ¢ per answer.", "limit:open"),
        (Over.DAY, "up to $1.30; your limit leaves 1.23 ¢ for today.", "limit:open"),
    ],
)
async def test_question_has_the_figures_and_a_remedy(journey: Journey, over: Over, text: str, remedy: str) -> None:
    shown, keyboard = question(context_of(journey, private_message(user=ANN)), record(), PLAN, first(over))
    assert text in shown
    assert str(keyboard.inline_keyboard[-1][0].callback_data).startswith(remedy)


@pytest.mark.parametrize(
    ("changes", "plan", "ways"),
    [
        ({}, PLAN, [BRIEF, CHEAPER, GO_ON]),
        ({"tokens": 0}, PLAN, [CHEAPER, GO_ON]),
        ({"price": "0.000000001"}, PLAN, [BRIEF, GO_ON]),
        ({}, replace(PLAN, models=("smart",)), [BRIEF, GO_ON]),
    ],
)
async def test_only_ways_that_help_are_offered(
    journey: Journey, changes: dict[str, object], plan: Plan, ways: list[str]
) -> None:
    context = context_of(journey, private_message(user=ANN))
    _, keyboard = question(context, record(), plan, first(**changes))  # type: ignore[arg-type]
    data = [str(row[0].callback_data).split(":") for row in keyboard.inline_keyboard]
    assert [each[1] for each in data if each[0] == "retry"] == ways


async def test_buttons_fit_their_data(journey: Journey) -> None:
    context = context_of(journey, private_message(user=ANN))
    large = record(number=10**12, answers=9999)
    _, keyboard = question(context, large, PLAN, first(price="9999.999999", tokens=99_999))
    assert all(len(str(row[0].callback_data)) <= MOST_DATA_BYTES for row in keyboard.inline_keyboard)


@pytest.mark.parametrize(
    ("way", "tokens", "expected"),
    [
        (GO_ON, 0, Ask("r", "smart", "shorter", 3, 5000, 0)),
        (BRIEF, 100, Ask("r", "smart", "shorter", 3, 5000, 100)),
        (CHEAPER, 0, Ask("r", "auto", "shorter", 3, 5000, 0)),
    ],
)
def test_pressed_button_agrees_to_its_price_and_keeps_the_rest(way: str, tokens: int, expected: Ask) -> None:
    assert agreed_ask(AS_BEFORE, way, 5, tokens) == expected


@pytest.mark.parametrize(("tokens", "words"), [(64, "under 32 words"), (1, "under 1 words")])
def test_model_is_told_how_long_a_shorter_answer_may_be(tokens: int, words: str) -> None:
    assert words in brief_instruction(tokens)
