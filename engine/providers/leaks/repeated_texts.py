"""Texts that a server streamed more than once, so that their sum is not the answer."""

from collections.abc import Sequence
from itertools import pairwise

LEAST_REPEATED_CHARS = 16  # of a text that the last piece repeats: a shorter repetition may be part of the answer
_LEAST_PIECES = 10  # of a text whose pieces may all have come twice
_LEAST_GROWTHS = 4  # pieces that each contain the one before
_LEAST_BEFORE, _LEAST_CHARS = 3, 32  # pieces and characters that one further piece may contain again


def is_repeated(pieces: Sequence[str]) -> bool:
    """Return whether the pieces of a text repeat it, in a way that no answer does by itself.

    Some servers send each frame twice, some send all the text so far in each frame, and some do so in one frame among
    others.
    """
    return _is_doubled(pieces) or _is_cumulative(pieces) or _begins_anew(pieces)


def _is_doubled(pieces: Sequence[str]) -> bool:
    """Return whether every piece came twice, and enough different ones for that to be no accident."""
    if len(pieces) < _LEAST_PIECES or len(pieces) % 2 or pieces[0] != pieces[1]:
        return False
    return pieces[::2] == pieces[1::2] and len(set(pieces)) > _LEAST_PIECES // 2


def _is_cumulative(pieces: Sequence[str]) -> bool:
    """Return whether every piece contains the one before at its beginning, and more."""
    grown = all(len(after) > len(before) and after.startswith(before) for before, after in pairwise(pieces))
    return grown and len(pieces) > _LEAST_GROWTHS


def _begins_anew(pieces: Sequence[str]) -> bool:
    """Return whether a piece begins with all the text before it, in linear time: each such piece doubles the text."""
    if len(pieces) <= _LEAST_BEFORE or len(max(pieces, key=len)) < _LEAST_CHARS:
        return False
    chars = 0
    for number, piece in enumerate(pieces):
        is_enough = number >= _LEAST_BEFORE and chars >= _LEAST_CHARS
        if is_enough and len(piece) >= chars and piece.startswith("".join(pieces[:number])):
            return True
        chars += len(piece)
    return False
