import pytest

from bot.attachments.voice import QUOTED_UNITS, _quoted


def test_transcript_is_one_foldable_quotation() -> None:
    piece = _quoted("Hello \n  there 🌊")
    (entity,) = piece.entities
    assert piece.text == "🎤 Hello there 🌊"
    assert (entity.type, entity.offset, entity.length) == ("expandable_blockquote", 0, 17)


@pytest.mark.parametrize(("length", "is_cut"), [(QUOTED_UNITS, False), (QUOTED_UNITS + 1, True)])
def test_long_transcript_is_cut(length: int, is_cut: bool) -> None:
    piece = _quoted("a" * length)
    assert piece.text.endswith("…") is is_cut
    assert piece.text.count("a") == QUOTED_UNITS
