"""Mistral's stand-in: strict fields, errors without an envelope, a cache on request."""

import json

import pytest

from sandbox.providers.addresses.mistral import STAND_IN
from sandbox.providers.exchange import ParsedRequest, StandInUsage
from sandbox.providers.refusals import StandInRefused

ASKED = ParsedRequest("mistral-small-latest", "hello", "hello", 9, options={"include_usage": True})
USAGE = StandInUsage(prompt=10, cached=0, written=0, output=5, thought=0)


def test_each_unknown_field_is_named_also_within_messages() -> None:
    body = {"stream_options": {}, "messages": [{"role": "user", "content": "x"}, {"role": "user", "logprobs": 1}]}
    with pytest.raises(StandInRefused) as raised:
        STAND_IN.check(body, "mistral-small-latest")
    refusal = raised.value.refusal
    named = [wrong["loc"] for wrong in json.loads(refusal.message)["detail"]]
    assert (refusal.status, named) == (422, [["body", "stream_options"], ["body", "messages", 1, "logprobs"]])


def test_known_fields_are_taken() -> None:
    STAND_IN.check({"model": "m", "messages": [{"role": "user", "content": "x"}, "no turn"]}, "m")


def test_usage_is_in_the_last_chunk_without_being_asked_for() -> None:
    assert STAND_IN.beside_finish(USAGE) == {"usage": STAND_IN.usage_body(USAGE)}
    assert not STAND_IN.has_usage_chunk(ASKED)


@pytest.mark.parametrize(("key", "expected"), [(None, (0, 0)), ("chat 1", (8, 0))])
def test_prompt_is_cached_only_under_a_key(key: str | None, expected: tuple[int, int]) -> None:
    asked = ParsedRequest("m", "hello", "hello", 9, options={"prompt_cache_key": key})
    assert STAND_IN.cached_written(asked, 10, 8) == expected


def test_error_has_no_envelope() -> None:
    body = STAND_IN.error_body(STAND_IN.refusals["429"], 5)
    assert (body["object"], body["type"], body["code"]) == ("error", "rate_limited", "1300")
