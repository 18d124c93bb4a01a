"""Prometheus' text format: metrics, samples and histograms as lines."""

from collections.abc import Iterable, Sequence

from web.attempt_metrics import Distribution, Labels

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metric(name: str, kind: str, words: str, samples: Iterable[tuple[Labels, object]]) -> Iterable[str]:
    """Yield the lines of a counter or gauge. Its name is listed even if it has no sample."""
    yield from _head(name, kind, words)
    for labels, value in samples:
        yield sample(name, labels, value)


def histogram(
    name: str, words: str, bounds: Sequence[float], distributions: Iterable[tuple[Labels, Distribution]]
) -> Iterable[str]:
    """Yield the lines of a histogram with these upper bounds."""
    yield from _head(name, "histogram", words)
    for labels, found in distributions:
        for bound, within in zip(bounds, found.within, strict=True):
            yield sample(f"{name}_bucket", {**labels, "le": f"{bound:g}"}, within)
        yield sample(f"{name}_bucket", {**labels, "le": "+Inf"}, found.count)
        yield sample(f"{name}_sum", labels, f"{found.total:g}")
        yield sample(f"{name}_count", labels, found.count)


def sample(name: str, labels: Labels, value: object) -> str:
    """Return one line; label values are escaped."""
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _head(name: str, kind: str, words: str) -> Iterable[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
