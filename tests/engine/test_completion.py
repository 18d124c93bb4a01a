"""The kept answer."""

import pytest

from engine.chat import ChatRequest, Finish, Options, Role, Usage, says
from engine.completion import Choice, Completion, unmet_fields


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


DONE = Choice("Hello", finish=Finish.STOP)
MEASURED = Choice("Hello", finish=Finish.STOP, logprobs={"content": []})


@pytest.mark.parametrize(
    ("choices", "n", "logprobs", "found"),
    [
        ((DONE, DONE), 2, None, []),
        ((DONE,), 2, None, ["n"]),
        ((Choice("Hel"),), 2, True, []),  # stopped by its reader
        ((DONE,), 1, True, ["logprobs"]),
        ((DONE, MEASURED), 2, True, []),
        ((Choice("", finish=Finish.TOOL_CALLS),), 1, True, []),
    ],
)
def test_fields_that_the_provider_ignored_are_seen_in_the_answer(
    choices: tuple[Choice, ...], n: int, logprobs: bool | None, found: list[str]
) -> None:
    request = ChatRequest("r", "m", (says(Role.USER, "Hi"),), n=n, options=Options(logprobs=logprobs))
    assert list(unmet_fields(request, choices)) == found
