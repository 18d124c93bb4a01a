"""State of one stand-in: modes, the request limit, the prompt cache."""

import asyncio

import pytest

from sandbox.providers.registry import plain_stand_ins
from sandbox.providers.stand_in import MINUTE_SECONDS, USUAL_LIMIT, StandIn

START = "tea " * 1024  # 1,024 tokens


@pytest.fixture
def found() -> StandIn:
    return StandIn("one", plain_stand_ins()["openai"]("One"), now=lambda: 100.0)


@pytest.mark.parametrize("mode", ["", "sideways", "limit:", "limit:x", "once:sideways"])
def test_unknown_mode_is_refused_and_changes_nothing(found: StandIn, mode: str) -> None:
    with pytest.raises(ValueError, match="no such mode"):
        found.switch(mode)
    assert found.mode == "up"


def test_mode_for_one_call_ends_with_it(found: StandIn) -> None:
    found.switch("once:429")
    assert [found.count_call() for _ in range(2)] == ["429", "up"]
    found.switch("429")
    assert [found.count_call() for _ in range(2)] == ["429", "429"]
    assert found.calls == 4


def test_only_the_limit_mode_changes_the_limit(found: StandIn) -> None:
    assert found.limit == USUAL_LIMIT
    found.switch("limit:2")
    assert (found.limit, found.left, found.wait_seconds) == (2, 2, 0.0)


def test_request_counts_towards_the_limit_for_a_minute(found: StandIn) -> None:
    found.switch("limit:2")
    found.taken_at.extend([90.0, 95.0])
    assert (found.left, found.wait_seconds) == (0, 90.0 + MINUTE_SECONDS - 100.0)
    found.now = lambda: 90.0 + MINUTE_SECONDS
    assert (found.left, found.wait_seconds) == (1, 0.0)


def test_limit_of_zero_never_admits(found: StandIn) -> None:
    found.switch("limit:0")
    assert (found.left, found.wait_seconds) == (0, MINUTE_SECONDS)


async def test_change_of_mode_ends_a_long_rest(found: StandIn) -> None:
    resting = asyncio.create_task(found.rest(600))
    await asyncio.sleep(0)
    found.switch("down")
    async with asyncio.timeout(60):
        await resting


def test_cache_is_for_the_same_key_and_model(found: StandIn) -> None:
    assert found.cached("k", "m", START) == 0
    assert found.cached("k", "m", START + "more") == 1024
    assert found.cached("other", "m", START) == 0
    assert found.cached("k", "other", START) == 0


def test_start_shorter_than_1024_tokens_is_not_cached(found: StandIn) -> None:
    short = START[:-4]
    found.cached("k", "m", short)
    assert found.cached("k", "m", short) == 0


def test_cached_tokens_are_whole_steps_of_the_longest_start(found: StandIn) -> None:
    found.cached("k", "m", START + "milk")
    found.cached("k", "m", START + "tea " * 100)
    assert found.cached("k", "m", START + "tea " * 70 + "milk") == 1088
