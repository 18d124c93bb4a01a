"""The inputs of a replay: a trace, a fault script, a price list. Formats: `python -m benchmarks.routing --help`."""

import csv
import json
import random
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from benchmarks.replay.limits import LIMIT_KINDS
from engine.catalog.offers import Price, flat_price

Kind = Literal["down", "flaky", "limit", "slow", "cut"]
SEEDED_KINDS: tuple[str, ...] = get_args(Kind)
KINDS: tuple[str, ...] = tuple(dict.fromkeys((*SEEDED_KINDS, *LIMIT_KINDS)))
USUAL_VALUES: Mapping[str, float] = {
    "down": 0.05,
    "flaky": 0.3,
    "slow": 30,
    "cut": 0.3,
    **dict.fromkeys(LIMIT_KINDS, 20),
}


class BadInput(ValueError):
    """A file that can't be replayed, with the reason."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request of a trace. Its output length is used only by the bill and the oracle, never by a planner."""

    number: int
    arrival_s: float
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of `provider`, or of one offer `provider/model`, from `from_s` until `to_s`."""

    provider: str
    from_s: float
    to_s: float
    kind: str
    value: float


def read_trace(path: Path) -> list[Prompt]:
    """Read a trace with the columns arrival_s, input_tokens, output_tokens. Raises BadInput."""
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        found = [
            Prompt(n, float(row["arrival_s"]), int(row["input_tokens"]), int(row["output_tokens"]))
            for n, row in enumerate(rows)
        ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise BadInput(f"{path}: expected the columns arrival_s,input_tokens,output_tokens: {error!r}") from error
    if not found:
        raise BadInput(f"{path}: no requests in it")
    return sorted(found, key=lambda prompt: prompt.arrival_s)


def read_faults(path: Path) -> list[Fault]:
    """Read a CSV with provider,from_s,to_s,kind,value, or a JSON list of such objects. Raises BadInput."""
    try:
        text = path.read_text(encoding="utf-8")
        return [_fault(row) for row in _rows(path, text)]
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: expected provider,from_s,to_s,kind,value: {error}") from error


def _rows(path: Path, text: str) -> Iterable[Mapping[str, Any]]:
    if path.suffix != ".json" and not text.lstrip().startswith(("[", "{")):
        return csv.DictReader(text.splitlines())
    data = json.loads(text)
    rows: Iterable[Mapping[str, Any]] = data["faults"] if isinstance(data, dict) else data
    return rows


def _fault(row: Mapping[str, Any]) -> Fault:
    kind = str(row["kind"]).strip()
    if kind not in KINDS:
        raise ValueError(f"a kind is one of {', '.join(KINDS)}, not {kind!r}")
    raw = row.get("value")
    value = USUAL_VALUES[kind] if raw is None or raw == "" else float(raw)
    return Fault(str(row["provider"]).strip(), float(row["from_s"]), float(row["to_s"]), kind, value)


def read_prices(path: Path) -> dict[str, Price]:
    """Read prices by offer: TOML in the form of farthing.toml, JSON of the same shape, or a CSV. Raises BadInput."""
    try:
        text = path.read_text(encoding="utf-8")
        found = _price_sections(path, text)
        return {name: _price(section) for name, section in found.items()}
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: expected offers with input and output in USD per 1M tokens: {error!r}") from error


def _price_sections(path: Path, text: str) -> dict[str, Mapping[str, Any]]:
    if path.suffix == ".toml":
        return dict(tomllib.loads(text)["prices"])
    if path.suffix == ".json" or text.lstrip().startswith(("[", "{")):
        data = json.loads(text)
        data = data.get("prices", data) if isinstance(data, dict) else data
        return data if isinstance(data, dict) else {_name(row): row for row in data}
    return {_name(row): row for row in csv.DictReader(text.splitlines())}


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("offer") or f"{row['provider']}/{row['model']}")


def _price(section: Mapping[str, Any]) -> Price:
    def number(name: str) -> Any:
        raw = section.get(name)
        return None if raw in (None, "") else str(raw)

    return flat_price(number("input"), number("output"), number("cached_input"), number("cache_write"))


def seeded_faults(providers: Sequence[str], span_s: float, seed: int) -> list[Fault]:
    """Return two random faults for each provider, of different kinds."""
    chance = random.Random(f"faults {seed}")
    faults: list[Fault] = []
    for provider in providers:
        for kind in chance.sample(SEEDED_KINDS, 2):
            begin = chance.uniform(0, span_s * 0.8)
            length = chance.uniform(0.05, 0.2) * span_s
            faults.append(Fault(provider, begin, begin + length, kind, USUAL_VALUES[kind]))
    return faults
