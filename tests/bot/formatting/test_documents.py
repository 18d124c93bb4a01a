"""Generated documents: every word arrives in order, within Telegram's limits. FARTHING_DEEP sets how many."""

import json
import os
import random
from itertools import pairwise

import pytest

from bot.formatting.characters import is_boundary, units
from bot.formatting.markdown import MOST_UNITS, Piece, render
from bot.formatting.splitting import MOST_ENTITIES
from sandbox.telegram.text import message_text
from tests.bot.formatting.documents import Documents

ROUNDS = 10
DOCUMENTS = int(os.environ.get("FARTHING_DEEP", "400")) // ROUNDS
SIZES = (1, 1, 2, 3, 5, 40)
SOLID = {"pre", "code"}
STYLES = {"bold", "italic", "underline", "strikethrough"}


def lost(words: list[str], pieces: list[Piece]) -> list[str]:
    """Return the words that don't appear after the words before them."""
    text, position, missing = "\n".join(piece.text for piece in pieces), 0, list[str]()
    for word in words:
        found = text.find(word, position)
        if found < 0:
            missing.append(word)
        else:
            position = found + len(word)
    return missing


def check_piece(piece: Piece) -> None:
    """Check the limits, and that Telegram would keep every entity unchanged."""
    assert 0 < units(piece.text) <= MOST_UNITS
    assert len(piece.entities) <= MOST_ENTITIES
    entities = [entity.to_dict() for entity in piece.entities]
    kept = message_text({"text": piece.text, "entities": json.dumps(entities)})
    assert kept.text == piece.text
    assert [each for each in kept.entities if each["type"] not in {"url", "bot_command", "mention"}] == entities
    edges = [(each.offset, each.offset + each.length, each.type) for each in piece.entities]
    for (start, end, kind), (later, later_end, other) in pairwise(edges):
        assert later >= end or later_end <= end, "entities cross"
        if later < end:
            assert kind not in SOLID, "an entity is in code"
            assert other not in SOLID or kind in {"blockquote", "text_link"}, "code is in a style"
            assert kind != other, "an entity is in one of its kind"
        assert start < end


def check_cuts(pieces: list[Piece]) -> None:
    """Check that no message ends within a grapheme cluster. A cut word would count as lost."""
    for one, other in pairwise(pieces):
        assert is_boundary(one.text[-1] + other.text[0], 1)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_word_arrives_in_order(seed: int) -> None:
    for number in range(seed, seed + ROUNDS * DOCUMENTS, ROUNDS):
        documents = Documents(number)
        markdown = documents.document(random.Random(number).choice(SIZES))
        pieces = render(markdown)
        assert lost(documents.words, pieces) == [], (number, markdown)
        for piece in pieces:
            check_piece(piece)
        check_cuts(pieces)
