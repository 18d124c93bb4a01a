from typing import Any

import pytest

from engine.errors import Garbled
from engine.providers.streams.openai_choice import OpenAIChoice


def taken(*deltas: Any) -> str:
    """Return the text of a choice that ends with its last delta."""
    choice = OpenAIChoice(0, waits=False)
    found = [
        delta.text
        for number, each in enumerate(deltas)
        for delta in choice.take({"delta": each}, None, at_end=number == len(deltas) - 1)
    ]
    return "".join([*found, *(delta.text for delta in choice.rest())])


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("A text of ", "two parts.", "A text of two parts."), "A text of two parts."),
        (("A text of one part.", "A text of one part."), "A text of one part.A text of one part."),
        (("A ", "b", "A b"), "A bA b"),
        (("A text of ", "two parts.", "A text of two parts!"), "A text of two parts.A text of two parts!"),
    ],
)
def test_last_delta_that_repeats_a_long_text_of_several_is_left_out(texts: tuple[str, ...], expected: str) -> None:
    assert taken(*({"content": text} for text in texts)) == expected


@pytest.mark.parametrize("empty", [None, {}, [], ""])
def test_empty_delta_in_any_form_is_none(empty: Any) -> None:
    assert taken({"content": "Hi"}, empty) == "Hi"


@pytest.mark.parametrize("wrong", ["Hi", ["Hi"], 7])
def test_delta_of_another_kind_is_garbled(wrong: Any) -> None:
    with pytest.raises(Garbled):
        taken(wrong)
