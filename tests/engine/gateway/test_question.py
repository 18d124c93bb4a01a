import asyncio

import pytest

from engine.errors import AnswerCut
from engine.gateway.question import Siblings


async def test_each_waits_until_all_are_whole() -> None:
    siblings = Siblings(2)
    first = asyncio.create_task(siblings.wait())
    await asyncio.sleep(0)
    assert not first.done()
    await siblings.wait()
    await first


async def test_failure_of_one_is_that_of_all() -> None:
    siblings, error = Siblings(2), AnswerCut("deepseek", "cut")
    first = asyncio.create_task(siblings.wait())
    await asyncio.sleep(0)
    siblings.fail(error)
    siblings.fail(ValueError())
    with pytest.raises(AnswerCut):
        await first


async def test_failure_after_all_are_whole_changes_nothing() -> None:
    siblings = Siblings(1)
    await siblings.wait()
    siblings.fail(AnswerCut("deepseek", "cut"))
    await siblings.wait()
