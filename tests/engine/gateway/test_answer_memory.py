"""An ended answer leaves no cycle of references, so that its memory is free without garbage collection."""

import gc
from collections import Counter

import pytest

from engine.errors import Overloaded
from tests.engine.scripted import AnswerSetup, ScriptedProvider, Step, deltas, whole

SCRIPTS: dict[str, list[list[Step]]] = {
    "answered": [whole("a b c")],
    "next offer": [[Overloaded("busy")], whole("a b c")],
    "restarted": [[*deltas("a "), Overloaded("cut")], whole("b")],
}
KEPT = {"Failover", "Selection", "Question", "AttemptContent", "AnswerStream"}


async def answered(scripts: list[list[Step]]) -> None:
    providers = [ScriptedProvider(name, script) for name, script in zip(("one", "two"), scripts, strict=False)]
    answer, _ = AnswerSetup(*providers).answer()
    async for _event in answer:
        pass
    await answer.leave()


@pytest.mark.parametrize("name", SCRIPTS)
async def test_ended_answer_is_freed_at_once(name: str) -> None:
    await answered(SCRIPTS[name])  # creates the objects that are made only once
    gc.collect()
    gc.disable()
    try:
        await answered(SCRIPTS[name])
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = Counter(type(each).__name__ for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not KEPT & found.keys(), found
