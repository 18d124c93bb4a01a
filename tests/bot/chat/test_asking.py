import pytest

from bot.chat.asking import _state_after
from engine.errors import AnswerCut, EngineError, NoProvider, TooManyRequests
from storage.telegram.questions import QuestionState


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AnswerCut("deepseek", "cut"), QuestionState.CUT),
        (TooManyRequests(1, 2.0), QuestionState.REFUSED),
        (NoProvider(1.0), QuestionState.FAILED),
    ],
)
def test_state_of_a_question_tells_why_it_has_no_answer(error: EngineError, state: QuestionState) -> None:
    assert _state_after(error) is state
