"""OpenAI's own stand-in: reasoning models, padding, the prompt cache."""

from typing import Any

import pytest

from sandbox.providers.addresses.openai import STAND_IN
from sandbox.providers.exchange import ParsedRequest
from sandbox.providers.refusals import StandInRefused


@pytest.mark.parametrize(
    ("model", "body", "param"),
    [
        ("gpt-5-nano", {"max_tokens": 9}, "max_tokens"),
        ("o3", {"max_tokens": 9}, "max_tokens"),
        ("gpt-5-nano", {"temperature": 0.2}, "temperature"),
        ("gpt-6-luna", {"tools": [{}]}, "reasoning_effort"),
        ("gpt-5.4", {"tools": [{}], "reasoning_effort": "low"}, "reasoning_effort"),
        ("gpt-5-nano", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("gpt-4o", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("gpt-5-nano", {"stop": ["x"]}, "stop"),
        ("gpt-4o", {"plugins": []}, "plugins"),
    ],
)
def test_unsupported_field_is_refused_by_name(model: str, body: dict[str, Any], param: str) -> None:
    with pytest.raises(StandInRefused) as raised:
        STAND_IN.check(body, model)
    assert raised.value.refusal.param == param


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("gpt-4o", {"max_tokens": 9, "temperature": 0.2}),
        ("gpt-5-nano", {"max_completion_tokens": 9, "temperature": 1, "tools": [{}]}),
        ("gpt-6-luna", {"tools": [{}], "reasoning_effort": "none"}),
    ],
)
def test_supported_fields_are_taken(model: str, body: dict[str, Any]) -> None:
    STAND_IN.check(body, model)


@pytest.mark.parametrize(
    ("model", "effort", "thinks"),
    [("gpt-4o", "high", False), ("gpt-5-nano", "low", True), ("gpt-5-nano", "minimal", False), ("o3", "none", False)],
)
def test_reasoning_model_thinks_unless_switched_off(model: str, effort: str, thinks: bool) -> None:
    assert STAND_IN.thinks({"reasoning_effort": effort}, model) is thinks


def test_newer_model_writes_its_cache_by_itself() -> None:
    asked = [ParsedRequest(model, "", "", 9) for model in ("gpt-6-luna", "gpt-4o")]
    assert [STAND_IN.cached_written(each, 1500, 1024) for each in asked] == [(1024, 476), (1024, 0)]


def test_padding_brings_each_delta_to_one_length() -> None:
    asked = ParsedRequest("gpt-4o", "", "", 9)
    for content in ("a", "a longer piece of text"):
        filler = STAND_IN.padding(asked, {"content": content})["obfuscation"]
        assert (len(content) + len(filler)) % 16 == 0
    assert STAND_IN.padding(asked, {}) == {}
    plain = ParsedRequest("gpt-4o", "", "", 9, options={"include_obfuscation": False})
    assert STAND_IN.padding(plain, {"content": "a"}) == {}


def test_refusal_names_the_wait_in_seconds_and_milliseconds() -> None:
    headers = STAND_IN.retry_headers(2.5)
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "2500")
