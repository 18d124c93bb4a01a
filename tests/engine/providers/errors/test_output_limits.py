"""Messages that name the largest output limit: each fits as a whole, or not at all."""

import pytest

from engine.providers.errors.output_limits import model_limit, room_left

LIMITS = (
    "max_tokens is too large: 64000. This model supports at most 8192 completion tokens, whereas you provided 64000.",
    "max_tokens: 128000 > 8192, which is the maximum allowed number of output tokens for claude-haiku-4-5-20251001",
    "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
    "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]",
    "max_tokens\u53c2\u6570\u975e\u6cd5\uff1a\u9650\u5236\u6570\u503c\u8303\u56f4[1,8192]",
    (
        "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the "
        "`context_window` for this model"
    ),
    (
        "Unable to submit request because it has a maxOutputTokens value of 32768 but the supported range is from 1 "
        "(inclusive) to 8193 (exclusive). Update the value and try again."
    ),
    (
        "too many tokens: max tokens must be less than or equal to 8192, the maximum output for this model - received "
        "9000."
    ),
)
ROOMS = (
    (
        "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens (8000 in the messages, "
        "1001 in the completion). Please reduce the length of the messages or completion."
    ),
    (
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens (8000 of text "
        'input, 1000 in the output). Please reduce the length of either one, or use the "middle-out" transform '
        "to compress your prompt automatically."
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 8192 "
        "tokens and your request has 8000 input tokens (4096 > 8192 - 8000)."
    ),
    (
        "You passed 8000 input tokens and requested 400 output tokens. However, the model's context length is only "
        "8192 tokens, resulting in a maximum input length of 7792 tokens. Please reduce the length of the input prompt."
    ),
    (
        "input length and `max_tokens` exceed context limit: 8000 + 1000 > 8192, decrease input length or `max_tokens` "
        "and try again"
    ),
    (
        "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of "
        "9000 tokens: 8000 tokens from the input messages and 1000 tokens for the completion. Please reduce the number "
        "of tokens in the input messages or the completion to fit within the limit."
    ),
    (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8192. Given: 8000 `inputs` tokens and "
        "512 `max_new_tokens`"
    ),
)


@pytest.mark.parametrize("message", LIMITS)
def test_limit_of_the_model_is_read_from_the_whole_message_only(message: str) -> None:
    assert model_limit(f" {message} ") == 8192
    assert room_left(message) == 0
    for quoting in (f"Invalid value: {message}", f"'{message}'", f"{message} x"):
        assert model_limit(quoting) == 0


@pytest.mark.parametrize("message", ROOMS)
def test_room_beside_the_prompt_is_read_from_the_whole_message_only(message: str) -> None:
    assert room_left(message) == 192
    assert model_limit(message) == 0
    for quoting in (f"Invalid value: {message}", f"'{message}'", f"{message} x"):
        assert room_left(quoting) == 0


@pytest.mark.parametrize("tokens", [0, 1, 63])
def test_limit_that_is_not_worthwhile_is_none(tokens: int) -> None:
    assert model_limit(f"Invalid max_tokens value, the valid range of max_tokens is [1, {tokens}]") == 0


def test_prompt_longer_than_the_context_leaves_no_room() -> None:
    message = "input length and `max_tokens` exceed context limit: 9000 + 1000 > 8192, decrease input length or "
    assert room_left(message + "`max_tokens` and try again") == 0
