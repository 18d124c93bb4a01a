"""Output limits that a model refuses: the request is repeated with the one that it names."""

from typing import Any

import httpx
import pytest

from engine.errors import CapabilityMissing, ContextTooLong, RequestFault
from engine.ports import ProviderCall
from engine.providers.mending.model_memory import MOST_MODELS, MOST_REPEATS, ModelMemory
from engine.providers.mending.refused_options import REMEMBERED_SECONDS
from tests.engine.providers.dialects.wires import ASKED, Wire, asking, text
from tests.engine.providers.reading import chunks_of
from tests.engine.providers.test_own_fields import CLAUDE_ENDS, GEMINI, OPENAI, picky

RANGE = "Invalid max_tokens value, the valid range of max_tokens is [1, 80]"
CLAUDE = "max_tokens: 100 > 80, which is the maximum allowed number of output tokens for claude-x"
GOOGLE = (
    "Unable to submit request because it has a maxOutputTokens value of 100 but the supported range is from 1 "
    "(inclusive) to 81 (exclusive)."
)
ROOM = (
    "'max_tokens' or 'max_completion_tokens' is too large: 100. This model's maximum context length is 8192 tokens and "
    "your request has 8112 input tokens (100 > 8192 - 8112)."
)


def error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error"}}


def limit_of(body: dict[str, Any]) -> int:
    config = body.get("generationConfig", {})
    return int(body.get("max_tokens") or body.get("max_completion_tokens") or config.get("maxOutputTokens"))


@pytest.mark.parametrize(
    ("name", "message", "answer"),
    [
        ("deepseek", RANGE, OPENAI),
        ("openai", RANGE, OPENAI),
        ("anthropic", CLAUDE, CLAUDE_ENDS),
        ("gemini", GOOGLE, GEMINI),
    ],
)
async def test_limit_of_a_model_is_kept_from_then_on(name: str, message: str, answer: str) -> None:
    wire, sent = picky(name, "", lambda body: limit_of(body) <= 80, error(message), answer)
    for limits in ([100, 80], [100, 80, 80]):
        assert text(await wire.chunks()) == "fine"
        assert [limit_of(body) for body in sent] == limits
    await chunks_of(wire.provider, ProviderCall(ASKED, wire.model, 70))
    assert limit_of(sent[-1]) == 70


async def test_room_beside_a_prompt_is_of_that_prompt_alone() -> None:
    wire, sent = picky("local", "m", lambda body: limit_of(body) <= 80, error(ROOM), OPENAI)
    for _ in range(2):
        assert text(await wire.chunks()) == "fine"
    assert [limit_of(body) for body in sent] == [100, 80, 100, 80]


async def test_prompt_without_room_is_too_long() -> None:
    message = ROOM.replace("8112", "8190")
    wire, sent = picky("local", "m", lambda _: False, error(message), OPENAI)
    with pytest.raises(ContextTooLong) as refused:
        await wire.chunks()
    assert refused.value.context_tokens == 8192
    assert len(sent) == 1


async def test_limit_is_not_kept_where_the_repeated_request_is_refused_too() -> None:
    wire, sent = picky("local", "m", lambda _: False, error(RANGE), OPENAI)
    for requests in (2, 4):
        with pytest.raises(RequestFault):
            await wire.chunks()
        assert len(sent) == requests
    assert [limit_of(body) for body in sent] == [100, 80, 100, 80]


async def test_one_call_is_repeated_so_often_and_no_more() -> None:
    wire, sent = Wire("local", model="m"), 0

    def refuse(_: httpx.Request) -> httpx.Response:
        nonlocal sent
        sent += 1
        return httpx.Response(400, json=error(RANGE.replace("80", str(9_000 - sent))))

    wire.provider.send_through(httpx.MockTransport(refuse))
    with pytest.raises(RequestFault):
        await chunks_of(wire.provider, ProviderCall(ASKED, "m", 10_000))
    assert sent == MOST_REPEATS + 1


async def test_so_many_models_are_remembered_and_no_more() -> None:
    wire, sent = picky("local", "m", lambda body: limit_of(body) <= 80, error(RANGE), OPENAI)
    for number in range(MOST_MODELS + 1):
        wire.model = f"m{number}"
        await wire.chunks()
    sent.clear()
    for model, requests in (("m1", 1), ("m0", 3)):
        wire.model = model
        await wire.chunks()
        assert len(sent) == requests


def test_all_that_a_model_refused_is_forgotten_after_an_hour_even_in_use() -> None:
    now = 0.0
    memory = ModelMemory(lambda: now)
    call = ProviderCall(asking(seed=3), "m", 100)
    lower, option, own = RequestFault("x"), CapabilityMissing("x"), CapabilityMissing("x")
    lower.most_output_tokens, option.field, own.field = 80, "seed", "thinking"
    trial = memory.trial(call)
    assert all(trial.changes(each, lambda _: frozenset({"thinking"})) for each in (lower, option, own))
    trial.remember()
    for share, is_known in ((0.5, True), (0.9, True), (1, False)):
        now = REMEMBERED_SECONDS * share
        later = memory.trial(call)
        assert later.call.output_tokens == (80 if is_known else 100)
        assert later.options == ({"seed"} if is_known else frozenset())
        assert later.fields == ({"thinking"} if is_known else frozenset())
        later.remember()
