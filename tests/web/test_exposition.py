"""Prometheus' text format."""

from web.exposition import Distribution, Histogram, histogram, metric


def test_sample_on_a_bound_is_within_it() -> None:
    made = Histogram(("provider",), (0.5, 1.0))
    for value in (0.5, 0.75, 1.0, 1.25):
        made.observe(("a",), value)
    assert list(made.distributions()) == [({"provider": "a"}, Distribution([1, 3], 4, 3.5))]


def test_distributions_are_kept_apart_and_sorted_by_label() -> None:
    made = Histogram(("provider", "outcome"), (1.0,))
    made.observe(("b", "x"), 2)
    made.observe(("a", "y"), 0)
    assert [(labels, found.within) for labels, found in made.distributions()] == [
        ({"provider": "a", "outcome": "y"}, [1]),
        ({"provider": "b", "outcome": "x"}, [0]),
    ]


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
