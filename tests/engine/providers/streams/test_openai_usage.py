"""Usage in OpenAI's shape."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chat import Usage
from engine.providers.streams.endings import UsageCounts
from engine.providers.streams.openai_usage import plain_usage, usage_of

XAI = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 329,
    "completion_tokens_details": {"reasoning_tokens": 300},
}


def counted(*reports: Any) -> UsageCounts:
    counts = UsageCounts(("prompt_tokens", "completion_tokens"), "total_tokens")
    for report in reports:
        counts.add(report)
    return counts


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}, Usage(9, 3)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 112}, Usage(9, 103, is_disputed=True)),
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 5}, Usage(9, 3, is_disputed=True)),
        (XAI, Usage(20, 309, reasoning_tokens=300, is_disputed=True)),
        (XAI | {"total_tokens": 0}, Usage(20, 309, reasoning_tokens=300, is_disputed=True)),
        ({"input_tokens": 9, "output_tokens": 3}, Usage(9, 3)),
        ({"prompt_tokens": "9", "completion_tokens": 3.0, "total_tokens": "12"}, Usage(9, 3)),
    ],
)
def test_parts_and_total_are_reconciled(report: dict[str, Any], expected: Usage) -> None:
    assert usage_of(counted(report)) == expected


def test_cached_tokens_are_read_in_the_fields_of_all_providers() -> None:
    details = {"cached_tokens": 0}
    for report in (
        {"prompt_tokens": 9, "prompt_cache_hit_tokens": 7, "prompt_tokens_details": details},
        {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 7}},
        {"prompt_tokens": 9, "cached_tokens": 7},
        {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 7}},
    ):
        assert usage_of(counted(report | {"completion_tokens": 1})) == Usage(9, 1, 7)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 2}, Usage(9, 1, 7)),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 2}, Usage(9, 1, 7)),
        (
            {"prompt_tokens": 2, "prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 2},
            Usage(9, 1, 7, is_disputed=True),
        ),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 90}}, Usage(9, 1, 0, is_disputed=True)),
        (
            {"prompt_tokens": 9, "total_tokens": 100, "prompt_tokens_details": {"cached_tokens": 90}},
            Usage(99, 1, 90, is_disputed=True),
        ),
    ],
)
def test_cached_tokens_and_the_prompt_are_reconciled(report: dict[str, Any], expected: Usage) -> None:
    assert usage_of(counted(report | {"completion_tokens": 1})) == expected


def test_later_reports_take_nothing_away() -> None:
    first = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    zeros = dict.fromkeys(first, 0)
    details = {"completion_tokens_details": {"reasoning_tokens": 2}}
    assert usage_of(counted(first, zeros, details)) == Usage(9, 3, reasoning_tokens=2)


_NUMBERS = st.sampled_from([0, 1, 3, 9, 12, -1, None, "9", 9.0, True])
_DETAILS = st.none() | st.dictionaries(
    st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens", "cache_write_tokens"]), _NUMBERS, max_size=2
)


@given(
    st.fixed_dictionaries(
        {"prompt_tokens": _NUMBERS, "completion_tokens": _NUMBERS, "total_tokens": _NUMBERS},
        optional={
            "prompt_tokens_details": _DETAILS,
            "completion_tokens_details": _DETAILS,
            "prompt_cache_hit_tokens": _NUMBERS,
        },
    )
)
def test_plain_usage_is_the_usage_that_all_reports_give(report: dict[str, Any]) -> None:
    assert plain_usage(report) in {None, usage_of(counted(report))}


def test_usage_in_openais_own_words_is_plain() -> None:
    details = {"cached_tokens": 4, "audio_tokens": 0}
    report = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "prompt_tokens_details": details}
    assert plain_usage(report) == Usage(9, 3, 4)
    assert plain_usage(report | {"completion_tokens_details": {"reasoning_tokens": 2}}) == Usage(9, 3, 4, 0, 2)
    assert plain_usage(report | {"total_tokens": 13}) is None
    assert plain_usage(report | {"cost": 0.5}) is None
