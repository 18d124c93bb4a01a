"""300 difficult answers: their texts are shown in order, and the sandbox accepts every message."""

import pytest

from bot.formatting.growing.text import GrowingText
from bot.formatting.markdown import render
from bot.formatting.rich import rich
from sandbox.telegram.rich_messages.rich_html import parsed
from tests.bot.formatting.hard_answers import LONG_URL, LONG_WORD, Shape, answers
from tests.bot.formatting.test_documents import check_cuts, check_piece, lost

ANSWERS = answers()


def test_there_are_three_hundred() -> None:
    assert len(ANSWERS) == 300


@pytest.mark.parametrize("tenth", range(10))
def test_answers_are_shown_whole(tenth: int) -> None:
    for shapes in ANSWERS[tenth::10]:
        markdown = "\n\n".join(each.markdown for each in shapes)
        pieces = render(markdown)
        assert lost([text for each in shapes for text in each.shows], pieces) == [], markdown[:500]
        for piece in pieces:
            check_piece(piece)
        check_cuts(pieces)
        GrowingText().frame(markdown)
        if (found := rich(markdown)) is not None:
            parsed(found.html)


@pytest.mark.parametrize("long", [LONG_WORD, LONG_URL])
def test_word_longer_than_a_message_is_cut_without_loss(long: str) -> None:
    shapes = next(each for each in ANSWERS if long in each[0].markdown)
    assert isinstance(shapes[0], Shape)
    assert long in "".join(piece.text for piece in render(shapes[0].markdown))
