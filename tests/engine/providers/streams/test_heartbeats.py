import pytest

from engine.providers.sse import Frame, is_heartbeat


@pytest.mark.parametrize(
    ("event", "data"), [("ping", "2024-04-27 01:35:43"), ("Heartbeat", ""), ("", "null"), ("", " PING "), ("", "  ")]
)
def test_frame_that_carries_nothing_is_a_heartbeat(event: str, data: str) -> None:
    assert is_heartbeat(Frame(event, data))


@pytest.mark.parametrize(("event", "data"), [("", "[DONE]"), ("message", "2024"), ("error", "gone"), ("", "nulls")])
def test_any_other_text_is_none(event: str, data: str) -> None:
    assert not is_heartbeat(Frame(event, data))
