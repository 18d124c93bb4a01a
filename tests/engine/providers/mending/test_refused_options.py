"""Options that a model refuses: left out, the request repeated at once, and named to the client."""

from typing import Any

import pytest

from engine.chat import Tool
from engine.errors import CapabilityMissing, RequestFault
from engine.providers.mending.refused_options import MOST_MODELS, MOST_VALUES
from tests.engine.providers.dialects.wires import asking, text
from tests.engine.providers.test_own_fields import GEMINI, OPENAI, gemini_error, openai_error, picky

CLAUDE = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."


def flat(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error"}}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"temperature": 0.2}, openai_error("unsupported_value", "temperature")),
        ({"temperature": 0.2}, flat("invalid temperature: only 1 is allowed for this model")),
        ({"top_p": 0.5}, flat("invalid top_p: only 0.95 is allowed for this model")),
        ({"stop": ("END",)}, {"code": "x", "error": "Argument not supported on this model: stop"}),
        ({"presence_penalty": 0.5}, {"code": "x", "error": "Model grok-4 does not support parameter presencePenalty."}),
        ({"seed": 7}, flat('Invalid JSON payload received. Unknown name "seed": Cannot find field.')),
        ({"logit_bias": {"5": 1}}, {"detail": [{"type": "extra_forbidden", "loc": ["body", "logit_bias"]}]}),
        ({"reasoning_effort": "high"}, openai_error("unsupported_parameter", "reasoning_effort")),
    ],
)
async def test_refused_option_is_left_out_from_then_on(options: dict[str, Any], error: Any) -> None:
    (name,) = options
    wire, sent = picky("local", "m", lambda body: name not in body, error, OPENAI)
    asked = asking(**options)
    assert wire.ignored(asked) == ()
    for requests in (2, 3):
        assert text(await wire.chunks(asked)) == "fine"
        assert len(sent) == requests
        assert wire.ignored(asked) == (name,)
    assert {key: value for key, value in sent[0].items() if key != name} == sent[1] == sent[2]


async def test_other_values_of_the_option_are_asked_for() -> None:
    error = openai_error("unsupported_value", "temperature")
    wire, sent = picky("local", "m", lambda body: body.get("temperature") in {None, 1.0}, error, OPENAI)
    await wire.chunks(asking(temperature=0.2))
    sent.clear()
    await wire.chunks(asking(temperature=1.0))
    assert [body["temperature"] for body in sent] == [1.0]
    assert wire.ignored(asking(temperature=1.0)) == ()


async def test_top_p_is_left_out_beside_a_temperature_only() -> None:
    def takes(body: dict[str, Any]) -> bool:
        return not {"temperature", "top_p"} <= set(body)

    wire, sent = picky("local", "claude", takes, flat(CLAUDE), OPENAI)
    both, alone = asking(temperature=0.2, top_p=0.9), asking(top_p=0.9)
    await wire.chunks(both)
    await wire.chunks(alone)
    assert [("temperature" in body, "top_p" in body) for body in sent] == [(True, True), (True, False), (False, True)]
    assert (wire.ignored(both), wire.ignored(alone)) == (("top_p",), ())


async def test_several_options_are_left_out_one_after_the_other() -> None:
    errors = [openai_error("unsupported_value", name) for name in ("temperature", "logprobs", "seed")]

    def takes(body: dict[str, Any]) -> bool:
        for each in errors:
            if each["error"]["param"] in body:
                error.clear()
                error.update(each)
                return False
        return True

    error: dict[str, Any] = {}
    wire, sent = picky("local", "m", takes, error, OPENAI)
    asked = asking(temperature=0.2, logprobs=True, seed=3)
    assert text(await wire.chunks(asked)) == "fine"
    assert len(sent) == 4
    assert set(wire.ignored(asked)) == {"temperature", "logprobs", "seed"}


async def test_nothing_is_remembered_where_the_repeated_request_is_refused_too() -> None:
    wire, sent = picky("local", "m", lambda _: False, openai_error("unsupported_value", "temperature"), "")
    asked = asking(temperature=0.2)
    for requests in (2, 4):
        with pytest.raises(CapabilityMissing):
            await wire.chunks(asked)
        assert len(sent) == requests
    assert wire.ignored(asked) == ()


@pytest.mark.parametrize("error", [openai_error("invalid_value", "temperature"), flat("temperature is wrong")])
async def test_wrong_value_stays_the_tenants_fault(error: Any) -> None:
    wire, sent = picky("local", "m", lambda _: False, error, "")
    with pytest.raises(RequestFault):
        await wire.chunks(asking(temperature=0.2))
    assert len(sent) == 1


async def test_geminis_option_is_left_out_too() -> None:
    error = gemini_error(
        "Invalid JSON payload received. Unknown name \"topP\" at 'generation_config': Cannot find field."
    )
    wire, sent = picky("gemini", "gemini-2.5-flash-lite", lambda b: "topP" not in b["generationConfig"], error, GEMINI)
    assert text(await wire.chunks(asking(top_p=0.5))) == "fine"
    assert len(sent) == 2


async def test_so_many_values_and_models_are_remembered_and_no_more() -> None:
    error = openai_error("unsupported_value", "seed")
    wire, sent = picky("local", "m", lambda body: "seed" not in body, error, OPENAI)
    for seed in range(MOST_VALUES + 1):
        await wire.chunks(asking(seed=seed))
    assert (wire.ignored(asking(seed=0)), wire.ignored(asking(seed=1))) == ((), ("seed",))
    for number in range(MOST_MODELS):
        wire.model = f"m{number}"
        await wire.chunks(asking(seed=1))
    wire.model = "m"
    assert wire.ignored(asking(seed=1)) == ()
    assert len(sent) == 2 * (MOST_VALUES + 1) + 2 * MOST_MODELS


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("temperature", 0.2, {"reasoning_effort": "high"}),
        ("temperature", 0.2, {"tools": (Tool("f"),)}),
        ("logprobs", True, {"response_format": {"type": "json_object"}}),
    ],
)
async def test_option_that_is_refused_beside_another_one_says_nothing_about_requests_without_it(
    name: str, value: Any, other: dict[str, Any]
) -> None:
    wire, _ = picky("local", "m", lambda body: name not in body, openai_error("unsupported_value", name), OPENAI)
    await wire.chunks(asking(**{name: value}, **other))
    assert wire.ignored(asking(**{name: value}, **other)) == (name,)
    assert wire.ignored(asking(**{name: value})) == ()
