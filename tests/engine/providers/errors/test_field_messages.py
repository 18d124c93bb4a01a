"""Messages that refuse a field: the field is named only where the whole message fits."""

import pytest

from engine.providers.errors.field_messages import refused_field_of

MESSAGES = (
    (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
    ),
    (
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
        "temperature",
    ),
    ("Unsupported parameter: 'logprobs' is not supported with this model.", "logprobs"),
    ("Unrecognized request argument supplied: reasoning_effort", "reasoning_effort"),
    ("Argument not supported on this model: presencePenalty", "presence_penalty"),
    ("Model grok-4.20-0309-reasoning does not support parameter frequencyPenalty.", "frequency_penalty"),
    ("Extra inputs are not permitted, field: 'parallel_tool_calls', value: True", "parallel_tool_calls"),
    ("Extra inputs are not permitted, field: 'stream_options', value: {'include_usage': True}", "stream_options"),
    ("Extra inputs are not permitted, field: 'top_logprobs'", "top_logprobs"),
    ("invalid temperature: only 1 is allowed for this model", "temperature"),
    ("invalid top_p: only 0.95 is allowed for this model", "top_p"),
    ("property 'logit_bias' is unsupported", "logit_bias"),
    ("`reasoning_effort` is not supported with this model", "reasoning_effort"),
    ("`temperature` and `top_p` cannot both be specified for this model. Please use only one.", "top_p"),
    (
        (
            "The model returned the following errors: 'temperature' and 'top_p' cannot both be specified for this "
            "model. Please use only one."
        ),
        "top_p",
    ),
    ("`temperature` is deprecated for this model.", "temperature"),
    (
        (
            "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode. Please consult our "
            "documentation at https://platform.claude.com/docs/en/build-with-claude/extended-thinking"
        ),
        "temperature",
    ),
    ("`temperature` may only be set to 1 when thinking is enabled.", "temperature"),
    ("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.", "top_p"),
    (
        (
            "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), "
            "'msg': 'Extra inputs are not permitted', 'input': 8192}]"
        ),
        "max_completion_tokens",
    ),
    ('Invalid JSON payload received. Unknown name "seed": Cannot find field.', "seed"),
)


@pytest.mark.parametrize(("message", "field"), MESSAGES)
def test_field_is_read_from_the_whole_message_only(message: str, field: str) -> None:
    assert refused_field_of(f" {message}\n") == field
    for quoting in (f"Invalid value: {message}", f"'{message}'", f"{message} x"):
        assert refused_field_of(quoting) == ""


@pytest.mark.parametrize("message", ["", "no", "Unsupported parameter: 'messages' is not supported with this model."])
def test_other_messages_and_fields_name_none(message: str) -> None:
    assert refused_field_of(message) == ""
