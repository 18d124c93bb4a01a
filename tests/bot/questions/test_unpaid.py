import pytest

from bot.context import Context
from bot.questions import records
from bot.questions.unpaid import ask_now
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import QuestionState
from tests.bot.contexts import context_of, private_message, text
from tests.journeys.conftest import Journey


async def refused(journey: Journey, words: str, error: str) -> Context:
    context = context_of(journey, private_message())
    assert context.incoming is not None
    assert context.incoming.message is not None
    _, record = await records.store_and_begin(context, context.incoming.message, QuestionContent(words))
    assert record is not None
    await records.end(context, record, QuestionState.REFUSED, error)
    return context


@pytest.mark.parametrize(("words", "label"), [("tell me", "ask.now_named"), ("", "ask.now")])
async def test_button_names_the_question_that_lacked_money(journey: Journey, words: str, label: str) -> None:
    made = await ask_now(await refused(journey, words, "InsufficientFunds"))
    assert made is not None
    assert made.text == (text(label, question=words) if words else text(label))


async def test_question_refused_for_another_reason_does_not_wait_for_money(journey: Journey) -> None:
    assert await ask_now(await refused(journey, "tell me", "TooManyRequests")) is None
