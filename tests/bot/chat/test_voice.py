from datetime import timedelta
from typing import Any

import pytest
from telegram import Message

from bot.chat.voice import QUOTED_UNITS, _quoted, _seconds, file_of
from tests.bot.contexts import private_message


def message(**more: Any) -> Message:
    read = Message.de_json(private_message(None, **more), None)
    assert read is not None
    return read


@pytest.mark.parametrize("kind", ["voice", "audio", "video_note"])
def test_recordings_of_each_kind_are_found(kind: str) -> None:
    file = file_of(message(**{kind: {"file_id": "f", "file_unique_id": "f", "duration": 3, "length": 9}}))
    assert file is not None
    assert (file.kind, file.file_id, file.seconds) == (kind, "f", 3)
    assert file.mime_type == ("video/mp4" if kind == "video_note" else "audio/ogg")


def test_message_without_a_recording_has_none() -> None:
    assert file_of(message()) is None


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


@pytest.mark.parametrize(("duration", "seconds"), [(12, 12), (timedelta(seconds=12.6), 13), (-1, 0)])
def test_duration_is_read_in_seconds(duration: int | timedelta, seconds: int) -> None:
    assert _seconds(duration) == seconds
