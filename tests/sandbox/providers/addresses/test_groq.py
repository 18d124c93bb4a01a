"""Groq's stand-in: fields, thinking, usage in a special field."""

import json
from typing import Any

import pytest

from sandbox.providers.addresses.groq import STAND_IN
from sandbox.providers.exchange import StandInUsage
from sandbox.providers.refusals import StandInRefused

PICTURE = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}
GPT, QWEN = "openai/gpt-oss-20b", "qwen/qwen3-32b"


@pytest.mark.parametrize(("body", "model"), [({"plugins": []}, QWEN), (PICTURE, GPT)])
def test_unknown_field_and_pictures_for_a_text_model_are_refused(body: dict[str, Any], model: str) -> None:
    with pytest.raises(StandInRefused) as raised:
        STAND_IN.check(body, model)
    assert raised.value.refusal.status == 400


def test_own_fields_and_pictures_for_other_models_are_taken() -> None:
    STAND_IN.check({"include_reasoning": False, "reasoning_format": "parsed"}, GPT)
    STAND_IN.check(PICTURE, QWEN)


@pytest.mark.parametrize(
    ("model", "effort", "thinks"),
    [(GPT, "none", True), (QWEN, "none", False), (QWEN, "default", True), ("llama-3.1-8b", "default", False)],
)
def test_thinking_of_gpt_oss_can_not_be_switched_off(model: str, effort: str, thinks: bool) -> None:
    assert STAND_IN.thinks({"reasoning_effort": effort}, model) is thinks


def test_thoughts_are_shown_unless_left_out() -> None:
    assert STAND_IN.shows_thoughts({})
    assert not STAND_IN.shows_thoughts({"include_reasoning": False})


def test_usage_and_an_error_within_a_stream_are_in_x_groq() -> None:
    usage = StandInUsage(prompt=10, cached=0, written=0, output=5, thought=0)
    assert STAND_IN.beside_finish(usage)["x_groq"]["usage"]["total_tokens"] == 15
    [broken] = STAND_IN.broken()
    assert json.loads(broken.removeprefix(b"data: "))["x_groq"] == {"error": "internal server error"}
