"""Simulated hours with faults and restarts, judged by an oracle. `python -m tests.scheduler.days` runs whole days."""

import pytest

from tests.scheduler.days.days import simulated
from tests.scheduler.days.oracle import Oracle

HOURS = 1.0


@pytest.mark.parametrize(("seed", "replicas"), [(12, False), (10, True)])
def test_each_fact_is_reported_once_and_in_time(seed: int, replicas: bool) -> None:
    day = simulated(seed, HOURS, replicas=replicas)
    assert Oracle(day, HOURS).faults() == []
    assert any("is down" in text for text in day.telegram.texts), "an outage was told"
    assert any("is back" in text for text in day.telegram.texts), "its end was told"
