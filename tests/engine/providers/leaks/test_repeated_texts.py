from collections.abc import Sequence
from itertools import accumulate

import pytest

from engine.errors import Garbled
from engine.providers.leaks.repeated_texts import is_repeated
from tests.engine.providers.shapes.chunks import choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Outcome, Shape, outcome_of

WORDS = ["The ", "sea ", "is ", "blue ", "and ", "wide "]
LONG = ["The sea is blue", " and wide", " and deep", " and old"]


def twice(pieces: Sequence[str]) -> list[str]:
    return [piece for piece in pieces for _ in range(2)]


@pytest.mark.parametrize(
    "pieces",
    [
        twice(WORDS),
        twice([*WORDS, *WORDS]),
        list(accumulate(WORDS)),
        [*LONG, "".join(LONG) + " indeed", "."],
        [*LONG, "".join(LONG)],
    ],
)
def test_text_that_came_more_than_once_is_found(pieces: list[str]) -> None:
    assert is_repeated(pieces)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        twice(WORDS[:4]),
        twice(WORDS[:5]) * 2,
        [*WORDS, *WORDS],
        ["-"] * 12,
        list(accumulate(WORDS[:4])),
        ["a", "ab", "abc", "abcd", "x"],
        [*LONG[:2], "".join(LONG[:2]) + "!"],
        ["ha ", "ha ", "ha ", "ha ha ha "],
    ],
)
def test_answer_that_repeats_itself_is_left_alone(pieces: list[str]) -> None:
    assert not is_repeated(pieces)


@pytest.mark.parametrize(
    ("pieces", "outcome"),
    [
        (twice(WORDS), Garbled),
        (list(accumulate(LONG + WORDS)), Garbled),
        ([*LONG, "".join(LONG) + "!", "."], Garbled),
        (["-"] * 12, Answer("-" * 12)),
    ],
)
async def test_text_that_came_more_than_once_is_not_sold(pieces: list[str], outcome: Outcome) -> None:
    shape = Shape("", stream(*map(said, pieces), choice("stop"), counted()), outcome)
    for width in WIDTHS:
        assert await outcome_of(shape, width) == outcome
