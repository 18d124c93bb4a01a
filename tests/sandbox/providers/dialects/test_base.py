"""Helpers that all dialects of stand-ins use."""

from typing import Any

import pytest

from sandbox.providers.dialects.base import data, event, listed, messages_of, output_limit
from sandbox.providers.refusals import Refusal, StandInRefused

WRONG = Refusal(400, "wrong")
ROLES = frozenset({"user", "model"})


@pytest.mark.parametrize("turns", [None, [], "hello", ["hello"], [{"role": "wizard"}]])
def test_turns_that_are_none_are_refused(turns: Any) -> None:
    with pytest.raises(StandInRefused, match="wrong"):
        messages_of({"turns": turns}, "turns", ROLES, WRONG)


def test_turn_without_a_role_is_the_users() -> None:
    turns = [{"text": "a"}, {"role": "model"}]
    assert messages_of({"turns": turns}, "turns", ROLES, WRONG) == turns


@pytest.mark.parametrize("value", [0, -1, 1.5, "9", True])
def test_output_limit_that_is_no_positive_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(StandInRefused, match="wrong"):
        output_limit(value, WRONG)


def test_missing_output_limit_is_the_usual_one() -> None:
    assert (output_limit(None, WRONG), output_limit(None, WRONG, 7), output_limit(1, WRONG)) == (4096, 7, 1)


def test_single_value_counts_as_a_list() -> None:
    assert (listed("a"), listed(["a", "b"]), listed(None)) == (("a",), ("a", "b"), ())


def test_frames_have_the_form_of_server_sent_events() -> None:
    assert data({"a": "ü"}, "\r\n\r\n") == 'data: {"a":"ü"}\r\n\r\n'.encode()
    assert event("ping", n=1) == b'event: ping\ndata: {"type":"ping","n":1}\n\n'
