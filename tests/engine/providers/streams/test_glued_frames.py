"""Frames that came as one."""

import pytest

from engine.providers.streams.glued_frames import MOST_LINES, frames_in


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        ('{"a":1}\n{"b":2}', ['{"a":1}', '{"b":2}']),
        ('{"a":1}{"b":2}', ['{"a":1}', '{"b":2}']),
        ('{"a":1} data: {"b":2}data:[DONE]', ['{"a":1}', '{"b":2}', "[DONE]"]),
        ('{"a":1}[DONE]', ['{"a":1}', "[DONE]"]),
        ('{"a":1}oops', ['{"a":1}oops']),
        ('{"a":', ['{"a":']),
        ("", [""]),
    ],
)
def test_lines_and_values_are_frames_of_their_own(data: str, frames: list[str]) -> None:
    assert list(frames_in(data)) == frames


def test_work_is_bounded() -> None:
    assert len(frames_in("{}" * 10 * MOST_LINES)) == MOST_LINES + 1
    assert len(frames_in("{}" * 200_000)) == 1
    assert len(frames_in("\n" * 10 * MOST_LINES)) == MOST_LINES + 1
