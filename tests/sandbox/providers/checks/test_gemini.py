from typing import Any

import pytest

from sandbox.providers.checks.gemini import SIGNATURE, check_request
from sandbox.providers.refusals import StandInRefused

USER = {"role": "user", "parts": [{"text": "x"}]}
CALLED = {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": SIGNATURE}]}
UNSIGNED = {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
NEW, OLD = "gemini-3.8-flash", "gemini-2.5-flash"


def check(*turns: dict[str, Any], model: str = NEW, **body: Any) -> None:
    check_request(body, model, turns)


def declared(**function: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [{"name": "f", **function}]}]}


def test_usual_requests_pass() -> None:
    check(USER, CALLED, RESULT, **declared(), generationConfig={"responseMimeType": "application/json"})
    check(USER, UNSIGNED, RESULT, model=OLD)


@pytest.mark.parametrize(
    ("turns", "words"),
    [
        ([{"role": "user", "parts": [{"text": ""}]}], "must have a text parameter"),
        ([{"role": "user", "parts": []}], "must have a text parameter"),
        ([USER, UNSIGNED, RESULT], "missing a thought_signature"),
        ([CALLED, RESULT], "comes immediately after a user turn"),
        ([USER, CALLED, USER], "number of function response parts"),
        ([USER, RESULT], "number of function response parts"),
    ],
)
def test_faulty_turns_are_refused(turns: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(StandInRefused, match=words):
        check(*turns)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (declared(name="2nd"), "Invalid function name"),
        (declared(parametersJsonSchema={"properties": {"a": {"const": 1}}}), 'Unknown name "const"'),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}}},
            "Allowed function",
        ),
        ({"generationConfig": {"stopSequences": ["a"] * 6}}, "at most 5"),
        ({"generationConfig": {"temperature": 2.1}}, "temperature"),
        ({**declared(), "generationConfig": {"responseMimeType": "application/json"}}, "response mime type"),
        ({"generationConfig": {"responseJsonSchema": {"anyOf": [{"not": {}}]}}}, 'Unknown name "not"'),
    ],
)
def test_faulty_options_are_refused(body: dict[str, Any], words: str) -> None:
    with pytest.raises(StandInRefused, match=words):
        check(USER, model=OLD, **body)
