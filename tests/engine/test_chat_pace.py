import pytest

from engine.chat import AT_ONCE, LIVE, WHOLE, ReadPace


@pytest.mark.parametrize(
    ("pace", "reads", "seconds", "pause"),
    [
        (AT_ONCE, 100, 9.0, 0.0),
        (LIVE, 1, 1.0, 0.0),
        (LIVE, 2, 0.1, 0.01),
        (LIVE, 90, 9.0, 0.02),
        (WHOLE, 0, 0.001, 0.002),
        (WHOLE, 1, 0.005, 0.005),
        (WHOLE, 1, 0.02, 0.02),
        (WHOLE, 90, 9.0, 0.05),
    ],
)
def test_pause_grows_with_the_time_that_an_answer_takes(
    pace: ReadPace, reads: int, seconds: float, pause: float
) -> None:
    assert pace.pause(reads, seconds) == pytest.approx(pause)
