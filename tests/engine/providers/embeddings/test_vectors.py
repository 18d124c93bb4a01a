"""Tests of vectors: base64 and decimal numbers, and the checks of a complete answer."""

import sys
from array import array

import pytest

from engine.embeddings import EmbeddingCall
from engine.errors import CapabilityMissing, Garbled
from engine.providers.embeddings.vectors import MOST_VALUES, checked, parsed, vector
from tests.engine.providers.embeddings.calls import packed


def test_base64_is_little_endian_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vector(packed(1.5, -2)) == array("f", [1.5, -2])
    monkeypatch.setattr(sys, "byteorder", "big")
    swapped = array("f", [1.5, -2])
    swapped.byteswap()
    assert vector(packed(1.5, -2)).tobytes() == swapped.tobytes()


def test_answer_with_as_many_values_as_allowed_is_parsed() -> None:
    body = b'{"a": ' + b"[" + b"0," * (MOST_VALUES - 2) + b"0]}"
    assert len(parsed(body)["a"]) == MOST_VALUES - 1
    with pytest.raises(Garbled, match="values"):
        parsed(body[:-1] + b',"b": [0]}')


def test_vectors_must_fit_their_inputs() -> None:
    call = EmbeddingCall("m", ("a", "b"), dimensions=2)
    fitting = [array("d", [1, 2]), array("d", [3, 4])]
    assert checked(fitting, call) == tuple(fitting)
    with pytest.raises(Garbled):
        checked(fitting[:1], call)
    with pytest.raises(CapabilityMissing):
        checked([array("d", [1])] * 2, call)
