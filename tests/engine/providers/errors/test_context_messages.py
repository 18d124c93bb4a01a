"""Messages about a context's length: each fits as a whole, or not at all."""

import pytest

from engine.providers.errors.context_messages import context_text
from engine.providers.message_templates import MOST_MESSAGE_CHARS
from tests.processor_time import units_of

CONTEXT = (
    (
        "This model's maximum context length is 8,192 tokens. However, you requested 9000 tokens. "
        "Please reduce the length of the messages or completion."
    ),
    (
        "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens (1 in the messages, "
        "9000 in the completion). Please reduce the length of the messages or completion."
    ),
    (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. "
        "Please reduce the length of the messages."
    ),
    (
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens (8000 of text "
        'input, 1000 in the output). Please reduce the length of either one, or use the "middle-out" transform '
        "to compress your prompt automatically."
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 8192 "
        "tokens and your request has 12 input tokens (9000 > 8192 - 12)."
    ),
    (
        "You passed 9000 input tokens and requested 100 output tokens. However, the model's context length is only "
        "8192 tokens, resulting in a maximum input length of 8092 tokens. Please reduce the length of the input prompt."
    ),
    "prompt is too long: 9000 tokens > 8192 maximum",
    "Input length 9000 exceeds the maximum allowed input length of 8192 tokens.",
    "Prompt too long: 9000 tokens exceeds max_seq_len 8192 (leave room for output tokens)",
    (
        "input length and `max_tokens` exceed context limit: 8000 + 1000 > 8192, decrease input length or `max_tokens` "
        "and try again"
    ),
    "The input token count (9000) exceeds the maximum number of tokens allowed (8192).",
    "The input token count exceeds the maximum number of tokens allowed 8192.",
    "Input token count is 9000 but model only supports up to 8192.",
    "Prompt contains 9000 tokens and 0 draft tokens, too large for model with 8192 maximum context length",
    "the request exceeds the available context size (8192 tokens), try increasing it",
    "This model's maximum prompt length is 8192 but the request contains 9000 tokens.",
    "Invalid request: Your request exceeded model token limit: 8192 (requested: 9000)",
    "Your request exceeded model token limit: 8192",
    "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 8192]",
    "The prompt is too long: 9000, model maximum context length: 8192",
    (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8192. Given: 9000 `inputs` tokens and "
        "512 `max_new_tokens`"
    ),
    "Input validation error: `inputs` must have less than 8192 tokens. Given: 9000",
    "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    "Input length (9000) exceeds model's maximum context length (8192).",
    (
        "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of "
        "9000 tokens: 8000 tokens from the input messages and 1000 tokens for the completion. Please reduce the number "
        "of tokens in the input messages or the completion to fit within the limit."
    ),
    ("Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192"),
    (
        "The maximum context length of Meta-Llama is 8192. However, answering your request will take 9000 tokens. "
        "Please reduce the length of the messages or the specified max_completion_tokens value."
    ),
    (
        "too many tokens: total number of tokens in the prompt cannot exceed 8192 - received 9000. Try using a shorter "
        "prompt"
    ),
    "prompt token count of 9000 exceeds the limit of 8192",
)
WITHOUT_A_NUMBER = (
    "Please reduce the length of the messages or completion.",
    "Input is too long for requested model.",
    "The model returned the following errors: Input is too long for requested model.",
    "max_tokens must be at least 1, got -93.",
    "invalid params, context window exceeds limit (2013)",
    "prompt too long; exceeded max context length by 42 tokens",
)


@pytest.mark.parametrize("message", CONTEXT)
def test_context_is_read_from_the_whole_message_only(message: str) -> None:
    found = context_text(f" {message}\n")
    assert found is not None
    assert found.tokens == 8192
    for quoting in (f"Invalid value: '{message}'", f"{message} x", f"'{message}'", f"{message}\n{message}"):
        assert context_text(quoting) is None


@pytest.mark.parametrize("message", WITHOUT_A_NUMBER)
def test_context_without_a_number_is_read(message: str) -> None:
    found = context_text(message)
    assert found is not None
    assert found.tokens is None
    assert context_text(f"Invalid value: {message}") is None


@pytest.mark.parametrize("piece", ["9", "9 in a ", "a ", "x, ", "tokens "])
def test_hostile_message_takes_no_time(piece: str) -> None:
    def read() -> None:
        for start in ("", "This model's maximum context length is 1 tokens. However, you requested 1 ", "The input ("):
            assert context_text((start + piece * 600)[: MOST_MESSAGE_CHARS - 1] + "!") is None

    assert units_of(read, 50) < 50  # a hundredth of one in 2026
