"""2,500 awkward answers: every word arrives in order, Telegram accepts each message, and drafts only grow."""

import os
import random
from itertools import pairwise

import pytest

from bot.formatting.growing.text import GrowingText
from bot.formatting.markdown import render
from bot.formatting.rich import rich
from sandbox.telegram.rich_messages.rich_html import parsed
from tests.bot.formatting.awkward import Awkward
from tests.bot.formatting.test_documents import check_piece, lost

ROUNDS = 25
ANSWERS = int(os.environ.get("FARTHING_DEEP", "2500")) // ROUNDS
SIZES = (1, 1, 1, 2, 3)
MOST_GROWN = 1500
FRAMES = range(3, 26)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_word_arrives_and_nothing_is_refused(seed: int) -> None:
    for number in range(seed, seed + ROUNDS * ANSWERS, ROUNDS):
        awkward = Awkward(number)
        markdown = awkward.answer(random.Random(number).choice(SIZES))
        pieces = render(markdown)
        assert lost(awkward.words, pieces) == [], (number, markdown)
        for piece in pieces:
            check_piece(piece)
        if (found := rich(markdown)) is not None:
            parsed(found.html)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_nothing_that_a_draft_showed_changes(seed: int) -> None:
    for number in range(seed, seed + ROUNDS * ANSWERS // 20, ROUNDS):
        markdown = Awkward(number).answer(3)[:MOST_GROWN]
        growing, pick, at = GrowingText(), random.Random(number), 0
        found = [""]
        while at < len(markdown):
            at += pick.choice(FRAMES)
            found.append(growing.frame(markdown[:at]))
        assert all(later.startswith(earlier) for earlier, later in pairwise(found)), (number, markdown)
