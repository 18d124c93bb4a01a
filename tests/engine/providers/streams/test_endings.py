"""Finish reasons of all providers."""

import pytest

from engine.chat import Finish
from engine.providers.streams.endings import finish_of, is_listed, is_reason


@pytest.mark.parametrize(
    ("finish", "reasons"),
    [
        (Finish.STOP, "stop STOP Stop eos eos_token end_turn stop_sequence pause_turn COMPLETE a_reason_of_tomorrow"),
        (Finish.TOOL_CALLS, "tool_calls function_call tool_use TOOL_CALL tool-calls"),
        (
            Finish.LENGTH,
            (
                "length LENGTH max_tokens MAX_TOKENS model_length max_output_tokens model_context_window_exceeded "
                "CONTINUATION max_new_tokens_of_tomorrow output_limit truncated_early"
            ),
        ),
        (
            Finish.REFUSED,
            (
                "content_filter refusal sensitive SAFETY RECITATION IMAGE_SAFETY PROHIBITED_CONTENT SPII "
                "guardrail_intervened policy_violation_of_tomorrow"
            ),
        ),
        (
            None,
            (
                "error ERROR abort network_error insufficient_system_resource MALFORMED_FUNCTION_CALL OTHER cancelled "
                "timeout timed_out engine_error rate_limited upstream_failure"
            ),
        ),
    ],
)
def test_reason_is_read_in_any_case_and_by_its_kind(finish: Finish | None, reasons: str) -> None:
    assert {reason: finish_of(reason) for reason in reasons.split()} == dict.fromkeys(reasons.split(), finish)


def test_nothing_is_no_reason() -> None:
    nothings: list[object] = [None, "", "null", "None", " ", 7, {}, "FINISH_REASON_UNSPECIFIED"]
    assert not any(is_reason(each) for each in nothings)
    assert is_reason("stop")


def test_only_known_reasons_are_listed() -> None:
    assert is_listed("MAX_TOKENS")
    assert not any(map(is_listed, ("tomorrow", None, 3)))


def test_endless_reason_is_read_in_part() -> None:
    assert finish_of("x" * 1_000_000 + "error") is Finish.STOP
