import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import read
from bot.questions.buttons import _without_asks, ask_again, first_words, with_button
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Place, QuestionRecord, QuestionState
from tests.bot.contexts import context_of, private_message
from tests.journeys.conftest import ANN, Journey
from tests.storage.books import NOW


def record(text: str = "", number: int = 1, answers: int = 0) -> QuestionRecord:
    return QuestionRecord(
        id=number,
        tenant_id=1,
        place=Place(7, ANN, 0, 5),
        conversation_id=1,
        content=QuestionContent(text),
        state=QuestionState.FAILED,
        model="",
        variant="",
        error="",
        request_id=None,
        answer_request_id=None,
        answer_message_ids=(),
        answers=answers,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (" a\n\nb ", "a b"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 40 + "…"),
        ("one two three four five six seven eight nine", "one two three four five six seven eight…"),
    ],
)
def test_first_words_are_one_short_line(text: str, words: str) -> None:
    assert first_words(record(text)) == words


async def test_button_fits_its_data_with_the_largest_numbers(journey: Journey) -> None:
    context = context_of(journey, private_message(user=ANN))
    made = ask_again(context, record(number=2**63 - 1, answers=10**6))
    pressed = read(str(made.callback_data))
    assert pressed is not None
    assert (pressed.command, pressed.action, pressed.args) == ("retry", "again", (str(2**63 - 1), str(10**6)))
    assert pressed.owner == ANN


def test_used_buttons_are_taken_off_and_others_stay() -> None:
    ask, other = (InlineKeyboardButton("x", callback_data=data) for data in ("retry:again:1:0:5", "topup:open:5"))
    both = with_button(InlineKeyboardMarkup([[other]]), ask)
    assert both == InlineKeyboardMarkup([[other], [ask]])
    assert _without_asks(both) == InlineKeyboardMarkup([[other]])
    assert _without_asks(with_button(None, ask)) is None
