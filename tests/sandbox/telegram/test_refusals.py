"""Refusals of the Bot API: their bodies and their sentences."""

import pytest

from sandbox.telegram.refusals import TABLE, flood, missing, refuse


def test_values_are_filled_into_the_sentence() -> None:
    refusal = refuse("start_tag", tag="x", offset=3)
    assert refusal.body() == {
        "ok": False,
        "error_code": 400,
        "description": 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 3',
    }


def test_sentence_with_quotes_or_braces_stays_as_it_is() -> None:
    assert refuse("key_text").description == TABLE["key_text"][1]


def test_rate_limit_names_the_wait_in_its_parameters() -> None:
    body = flood(7).body()
    assert (body["error_code"], body["parameters"]) == (429, {"retry_after": 7})
    assert "parameters" not in refuse("no_chat").body()


@pytest.mark.parametrize(("field", "why"), [("chat_id", "chat_id is empty"), ("title", "title is required")])
def test_missing_field_is_named(field: str, why: str) -> None:
    assert missing(field).description == f"Bad Request: {why}"


def test_only_refusals_of_a_request_begin_with_bad_request() -> None:
    assert {code for code, text in TABLE.values() if text.startswith("Bad Request: ")} == {400}
    assert 400 not in {code for code, text in TABLE.values() if not text.startswith("Bad Request: ")}
