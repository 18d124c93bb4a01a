"""The end of a JSON value that arrives in pieces."""

import json

import pytest

from engine.providers.streams.json_end import JsonEnd

VALUE = json.dumps({"a": [1, {"b": '}"]\\ {"'}], "c": "\\"}) + " "


@pytest.mark.parametrize("width", [1, 2, 3, 7, 100])
def test_end_is_found_however_the_value_is_cut(width: int) -> None:
    scan = JsonEnd()
    pieces = [VALUE[n : n + width] for n in range(0, len(VALUE), width)]
    found = [(number, end) for number, piece in enumerate(pieces) if (end := scan.feed(piece)) is not None]
    number, end = found[0]
    assert number * width + end == len(VALUE) - 1
    assert scan.depth == 0


def test_value_that_goes_on_has_no_end() -> None:
    scan = JsonEnd()
    assert (scan.feed('{"a": {'), scan.depth) == (None, 2)
    assert (JsonEnd().feed("plain text"), JsonEnd().feed("")) == (None, None)
