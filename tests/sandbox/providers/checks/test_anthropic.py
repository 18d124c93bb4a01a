from typing import Any

import pytest

from sandbox.providers.checks.anthropic import check_request, signature_of
from sandbox.providers.refusals import StandInRefused

USER = {"role": "user", "content": "x"}
USE = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
CALLED = {"role": "assistant", "content": [USE]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "1"}]}
TOOLS: dict[str, Any] = {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}
THINKING: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096}
MARKED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}


def picture(**source: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image", "source": source}]}


def check(*turns: dict[str, Any], model: str = "claude-haiku-4-5", **body: Any) -> None:
    check_request({"max_tokens": 9, **body}, model, turns)


def test_usual_requests_pass() -> None:
    check(USER, CALLED, RESULT, **TOOLS, temperature=1)
    check(picture(type="base64", media_type="image/png", data="AAAA"), system="be kind", **THINKING)
    check({"role": "user", "content": [MARKED] * 4})


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        ([{"role": "assistant", "content": "x"}, USER], "first message must use"),
        ([{"role": "user", "content": []}], "non-empty content"),
        ([{"role": "user", "content": " "}], "non-whitespace text"),
        ([USER, {"role": "assistant", "content": "x "}], "trailing whitespace"),
        ([picture(type="base64", media_type="image/jpg", data="AAAA")], "media_type"),
        ([picture(type="base64", media_type="image/png", data="A" * 7_000_001)], "5 MB"),
        ([picture(type="url", url="http://x.test/a.png")], "HTTPS"),
        ([USER, {"role": "assistant", "content": [{**USE, "id": "a.b"}]}], "should match pattern"),
        ([USER, {"role": "assistant", "content": [{**USE, "input": "{}"}]}], "valid dictionary"),
        ([USER, RESULT], "unexpected `tool_use_id`"),
        ([USER, CALLED, {"role": "user", "content": [*RESULT["content"], *RESULT["content"]]}], "single result"),
        ([USER, CALLED, RESULT, CALLED, RESULT], "must be unique"),
        ([{"role": "user", "content": [MARKED] * 5}], "maximum of 4 blocks"),
    ],
)
def test_faulty_turns_are_refused(turns: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(StandInRefused, match=words):
        check(*turns, **TOOLS)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"tools": [{"name": "a.b", "input_schema": {"type": "object"}}]}, "name: String"),
        ({"tools": [{"name": "f", "input_schema": {}}]}, "type: Field required"),
        ({"tools": [{"name": "f", "input_schema": {"type": "object", "anyOf": []}}]}, "top level"),
        ({"tool_choice": {"type": "auto"}}, "tools must be defined"),
        ({"temperature": 1.1}, "temperature"),
        ({"stop_sequences": ["\n"]}, "non-whitespace"),
        ({"system": " "}, "system"),
        ({"output_config": {"effort": "low"}}, "effort parameter"),
        ({"output_config": {"format": {"schema": {"type": "object"}}}}, "additionalProperties"),
        ({**THINKING, **TOOLS, "tool_choice": {"type": "any"}}, "forces tool use"),
        ({**THINKING, "temperature": 0.5}, "may only be set to 1"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "greater than `thinking.budget_tokens`"),
    ],
)
def test_faulty_options_are_refused(body: dict[str, Any], words: str) -> None:
    with pytest.raises(StandInRefused, match=words):
        check(USER, **body)


def test_calls_need_their_tools_and_signed_thinking() -> None:
    with pytest.raises(StandInRefused, match="must define tools"):
        check(USER, CALLED, RESULT)
    with pytest.raises(StandInRefused, match="found `tool_use`"):
        check(USER, CALLED, RESULT, **TOOLS, **THINKING)
    thought = {"type": "thinking", "thinking": "hm", "signature": signature_of("hm")}
    check(USER, {"role": "assistant", "content": [thought, USE]}, RESULT, **TOOLS, **THINKING)
