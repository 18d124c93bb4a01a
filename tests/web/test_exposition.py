"""Prometheus' text format."""

from web.attempt_metrics import Distribution
from web.exposition import histogram, metric


def test_histogram_has_cumulative_buckets_sum_and_count() -> None:
    lines = list(histogram("h_seconds", "Words", (0.25, 1.0), [({"p": "a"}, Distribution([1, 2], 3, 12.5))]))
    assert lines == [
        "# HELP h_seconds Words",
        "# TYPE h_seconds histogram",
        'h_seconds_bucket{p="a",le="0.25"} 1',
        'h_seconds_bucket{p="a",le="1"} 2',
        'h_seconds_bucket{p="a",le="+Inf"} 3',
        'h_seconds_sum{p="a"} 12.5',
        'h_seconds_count{p="a"} 3',
    ]


def test_metric_without_samples_is_still_declared() -> None:
    assert list(metric("m_total", "counter", "Words", [])) == ["# HELP m_total Words", "# TYPE m_total counter"]
