from typing import Any

import pytest

from sandbox.providers.checks.mistral import check_request
from sandbox.providers.refusals import StandInRefused

USER, SYSTEM = {"role": "user", "content": "x"}, {"role": "system", "content": "x"}
ANSWER = {"role": "assistant", "content": "x"}
CALLED = {"role": "assistant", "content": "", "tool_calls": [{"id": "aB3dE6gH9"}]}
RESULT = {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "1"}


def test_usual_requests_pass() -> None:
    check_request({"temperature": 0, "top_p": 1}, [SYSTEM, USER, CALLED, RESULT, ANSWER, USER, USER])
    check_request({}, [USER, {**ANSWER, "prefix": True}])
    check_request({}, [USER, CALLED, RESULT])


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([USER, CALLED, RESULT, USER], "Unexpected role 'user' after role 'tool'"),
        ([USER, ANSWER, SYSTEM], "Unexpected role 'system' after role 'assistant'"),
        ([USER, CALLED, USER], "Not the same number"),
        ([USER, CALLED], "Not the same number"),
        ([USER, ANSWER], "Expected last role User or Tool"),
        ([SYSTEM], "Expected last role"),
        ([USER, {"role": "assistant", "content": ""}, USER], "either content or tool_calls"),
        ([USER, {**CALLED, "tool_calls": [{"id": "call_1"}]}, {**RESULT, "tool_call_id": "call_1"}], "length of 9"),
    ],
)
def test_faulty_messages_are_refused(messages: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(StandInRefused, match=words):
        check_request({}, messages)


@pytest.mark.parametrize("body", [{"temperature": 1.6}, {"temperature": 0, "top_p": 0.9}])
def test_faulty_sampling_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(StandInRefused):
        check_request(body, [USER])
