"""The kept answer."""

import pytest

from engine.chat import Usage
from engine.completion import Choice, Completion


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ((Choice("Hello"), Choice("Hi")), "Hello"),
        ((Choice("", refusal="No."),), "No."),
        ((), ""),
    ],
)
def test_text_is_that_of_the_first_choice_or_its_refusal(choices: tuple[Choice, ...], text: str) -> None:
    assert Completion("deepseek", "m", choices, Usage(1, 1)).text == text
