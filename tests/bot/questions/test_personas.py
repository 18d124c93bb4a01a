import pytest

from bot.questions.personas import found, own, ready
from tests.bot.contexts import context_of, private_message
from tests.journeys.conftest import Journey


@pytest.mark.parametrize("reference", ["", "ready:nobody", "own:x", "own:5", "other:teacher", own(10**30), "ready"])
async def test_unknown_persona_is_none(journey: Journey, reference: str) -> None:
    assert await found(context_of(journey, private_message()), reference) is None


async def test_ready_persona_has_a_name_and_a_prompt(journey: Journey) -> None:
    persona = await found(context_of(journey, private_message()), ready("teacher"))
    assert persona is not None
    assert (persona.id, persona.name) == (0, "Patient teacher")
    assert "step by step" in persona.prompt
