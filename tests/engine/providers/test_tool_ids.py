"""Ids of tool calls: the signature that they contain, and the form for each provider."""

import base64
import re

import pytest

from engine.providers.tool_ids import (
    MOST_SIGNATURE_CHARS,
    carrying,
    new_id,
    of_at_most,
    of_nine_letters,
    plain,
    signature_in,
)

SIGNATURE = base64.b64encode(bytes(range(256)) * 3).decode()


@pytest.mark.parametrize(
    "signature",
    [SIGNATURE, "AAAA", "AA==", "not base64!", "abc", "base64url-_", "an é", "skip_thought_signature_validator"],
)
@pytest.mark.parametrize("call_id", ["call_1", "", "a b", "x" * 64, "x" * 65])
def test_signature_comes_back_from_the_id_as_it_was(call_id: str, signature: str) -> None:
    carried = carrying(call_id, signature)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", carried)
    assert signature_in(carried) == signature
    assert signature_in(plain(carried)) == ""
    if call_id in {"call_1", "x" * 64}:
        assert plain(carried) == call_id


def test_id_without_a_signature_stays_as_it_is() -> None:
    assert carrying("call_1", "") == "call_1"
    assert plain("toolu_01-x") == "toolu_01-x"
    assert signature_in("toolu_01-x") == ""


@pytest.mark.parametrize("chars", [-1, -7, 70, 40, 12, 6])
def test_id_that_a_client_has_shortened_carries_no_signature(chars: int) -> None:
    carried = carrying("call_1", SIGNATURE)
    assert signature_in(carried[:chars]) == ""
    assert plain(carried).startswith(plain(carried[:chars])[:6])


def test_changed_signature_is_not_given_back() -> None:
    carried = carrying("call_1", SIGNATURE)
    assert signature_in(carried[:-1] + ("A" if carried[-1] != "A" else "B")) == ""
    assert signature_in("call_1-sig1") == ""
    assert signature_in("call_1-sig1é" + "A" * 20) == ""


def test_signature_over_the_limit_is_not_carried() -> None:
    assert signature_in(carrying("call_1", "A" * MOST_SIGNATURE_CHARS)) == "A" * MOST_SIGNATURE_CHARS
    assert carrying("call_1", "A" * (MOST_SIGNATURE_CHARS + 4)) == "call_1"


def test_ids_that_a_provider_marks_itself_are_replaced() -> None:
    carried = carrying("call_1-sig1AAAA", SIGNATURE)
    assert signature_in(carried) == SIGNATURE
    assert "AAAA-sig1" not in carried


def test_new_ids_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000
    assert all(len(new_id()) <= 40 for _ in range(10))


@pytest.mark.parametrize("call_id", ["call_1", "", "aB3dE6gH9", "aB3dE6gH_", "é" * 9, "١٢٣٤٥٦٧٨٩", "x" * 400])
def test_mistrals_ids_have_nine_letters_or_digits(call_id: str) -> None:
    found = of_nine_letters(call_id)
    assert re.fullmatch(r"[A-Za-z0-9]{9}", found)
    assert (found == call_id) == (call_id == "aB3dE6gH9")
    assert of_nine_letters(carrying("call_1", SIGNATURE)) == of_nine_letters("call_1")


@pytest.mark.parametrize("chars", [40, 64])
def test_other_ids_are_short_and_safe(chars: int) -> None:
    form = of_at_most(chars)
    assert form("x" * chars) == "x" * chars
    for call_id in ("x" * (chars + 1), "functions.look:0", "", "é", "a b", carrying("y" * 60, SIGNATURE) + "!"):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", form(call_id)) or form(call_id) == "y" * 60
    assert form(carrying("call_1", SIGNATURE)) == "call_1"
    assert form("functions.look:0") != form("functions.look:1")
