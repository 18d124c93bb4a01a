"""Mutation tests of routing, gateway, prices and ledger, in copies of the repository under `.mutants/`.

mutmut makes the mutants, `tools.mutant_forks` runs the tests for each. `python -m tools.mutants` measures all modules
of MEASURED, `python -m tools.mutants engine/routing/plan.py` one. `--again` repeats only the mutants that survived the
last run and those of functions changed since. Exit code 1 if fewer than KILLED_PERCENT of a module's are killed.
"""

import argparse
import difflib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.mutant_forks import function_of

MEASURED = (
    "engine/money.py",
    "engine/holds.py",
    "engine/routing/*.py",
    "engine/gateway/*.py",
    "engine/catalog/offers.py",
    "engine/catalog/price_book.py",
    "storage/ledger/*.py",
)
# Tests that must kill a module's mutants beside test_<module>.py and test_<module>_*.py: paths from their folder.
FURTHER_TESTS: dict[str, tuple[str, ...]] = {
    "engine/catalog/offers.py": ("prices", "price_book", "unreadable_prices", "served", "catalog"),
    "engine/catalog/price_book.py": ("catalogue_names", "embedding_models", "unreadable_prices", "served", "catalog"),
    "engine/gateway/answer.py": ("background_reads",),
    "engine/gateway/answer_stream.py": ("answer", "answer_records"),
    "engine/gateway/billed_attempt.py": ("attempt_records", "answer_records", "answer_left"),
    "engine/gateway/gateway.py": ("embeddings/run", "excluded_offers"),
    "engine/gateway/failover.py": ("hedging",),
    "engine/routing/health.py": (
        "remembered_status",
        "token_quota",
        "early_attempts",
        "early_for_saving",
        "provider_registry",
        "repeats",
        "selection",
        "statuses",
    ),
    "engine/routing/key_health.py": ("rate_limits", "quotas", "limit_shapes", "token_quota"),
    "engine/routing/offer_health.py": ("track_record", "holds", "slot_demand", "rests_of_offers"),
    "engine/routing/permits.py": ("health",),
    "engine/routing/plan.py": ("selection", "early_for_saving", "holds", "token_quota"),
    "engine/routing/provider_health.py": ("health", "health_rests"),
    "engine/routing/provider_registry.py": ("statuses", "health", "health_rests", "token_quota"),
    "engine/routing/early_attempts.py": ("early_for_saving", "holds", "health_rests", "repeats", "selection"),
    "engine/routing/rate_limits.py": ("key_health", "quotas", "limit_shapes", "token_quota", "shared_health"),
    "engine/routing/selection.py": ("repeats", "early_attempts", "early_for_saving", "holds"),
    "storage/ledger/expiry.py": ("ledger",),
    "storage/ledger/holds.py": ("hold_epochs", "hold_api_keys"),
    "storage/ledger/journal.py": ("receipts",),
    "storage/ledger/returns.py": ("shares",),
}
KILLED_PERCENT = 90
WORK = Path(".mutants")

_KILLED = {"killed", "timeout"}  # hanging tests have noticed the mutant too
_RESULT = re.compile(r"^(?P<name>\S+): (?P<status>.+)$", re.MULTILINE)
_CLASS_SEPARATOR = "ǁ"  # mutmut's separator, in names such as xǁMoneyǁper_mtok__mutmut_1
_GENERATED = re.compile(r" # type: ignore # mutmut generated$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MutantSet:
    """The mutants of one module: names, the code that contains all of them, a hash of each original function."""

    names: list[str]
    code: str
    lines: dict[str, tuple[int, int]]  # of each copy of a function: its first and last line in `code`
    hashes: dict[str, str]

    def diff(self, name: str) -> str:
        """Return the change that the mutant `name` makes, as a unified diff of the function."""
        original = self._function(f"{function_of(name)}__mutmut_orig")
        changed = self._function(name)
        return "\n".join(difflib.unified_diff(original, changed, "original", name, lineterm="", n=2))

    def _function(self, name: str) -> list[str]:
        function = name.rpartition(".")[2]
        first, last = self.lines[function]
        text = "\n".join(self.code.splitlines()[first - 1 : last])
        plain = function_of(function).removeprefix("x_").rpartition(_CLASS_SEPARATOR)[2]
        return _GENERATED.sub("", text).replace(function, plain).splitlines()


def measured_modules(root: Path) -> list[str]:
    """Return the modules of MEASURED, as paths below `root`."""
    found = (path for pattern in MEASURED for path in sorted(root.glob(pattern)))
    return [path.relative_to(root).as_posix() for path in found if path.name != "__init__.py"]


def tests_of(module: str) -> tuple[str, ...]:
    """Return the test modules that must kill the mutants of a module. Fewer modules run faster.

    Of a test module whose name begins with the names of several modules, the longest name counts.
    """
    folder, stem = Path("tests", module).parent, Path(module).stem
    beginnings = [f"{path.stem}_" for path in Path(module).parent.glob("*.py")]
    beside = (path.stem.removeprefix("test_") for path in sorted(folder.glob(f"test_{stem}_*.py")))
    own = (name for name in beside if f"{stem}_" == max(filter(f"{name}_".startswith, beginnings), key=len))
    names = (Path(name) for name in dict.fromkeys((stem, *own, *FURTHER_TESTS.get(module, ()))))
    return tuple((folder / name.parent / f"test_{name.name}.py").as_posix() for name in names)


def mutate(module: str) -> MutantSet:
    """Return the mutants that mutmut makes from a module such as `engine/money.py`."""
    mutation = importlib.import_module("mutmut.mutation.file_mutation")  # not part of the packages of the tests
    made = mutation.mutate_file_contents(module, Path(module).read_text())
    prefix = module.removesuffix(".py").replace("/", ".")
    lines = {name: (span.start, span.end) for name, span in made.line_span_by_function_name.items()}
    return MutantSet([f"{prefix}.{name}" for name in made.mutant_names], made.code, lines, made.hash_by_function_name)


def measure(module: str, tests: tuple[str, ...], *, children: int, again: bool = False) -> dict[str, str]:
    """Test the mutants of a module in a copy of the repository. Return each one's status by name."""
    mutants = mutate(module)
    if not mutants.names:
        return {}
    folder = WORK / module.removesuffix(".py").replace("/", ".")
    known = remaining(folder, mutants) if again else {}
    shutil.rmtree(folder, ignore_errors=True)
    copy_repository(folder / "copy")
    (folder / "copy" / module).write_text(mutants.code)
    (folder / "hashes.json").write_text(json.dumps(mutants.hashes))
    (folder / "results").write_text("".join(f"{name}: {status}\n" for name, status in known.items()))
    (folder / "names.json").write_text(json.dumps([name for name in mutants.names if name not in known]))
    subprocess.run(
        pytest_command(folder.resolve(), tests, children), cwd=folder / "copy", check=True, env=_environment(folder)
    )
    found = statuses((folder / "results").read_text())
    for name, status in found.items():
        if status not in _KILLED:
            _say(f"\n{status}: {name}\n{mutants.diff(name)}")
    return found


def remaining(folder: Path, mutants: MutantSet) -> dict[str, str]:
    """Return the mutants that the last run killed, without those of functions changed since."""
    results, hashes = folder / "results", folder / "hashes.json"
    if not results.exists() or not hashes.exists():
        return {}
    before: dict[str, str] = json.loads(hashes.read_text())
    known = statuses(results.read_text())
    unchanged = {name for name, value in mutants.hashes.items() if before.get(name) == value}
    return {
        name: known[name]
        for name in mutants.names
        if known.get(name) in _KILLED and function_of(name).rpartition(".")[2] in unchanged
    }


def copy_repository(folder: Path) -> None:
    """Copy the files that git tracks, and new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for name in filter(os.path.isfile, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, folder / name)


def pytest_command(folder: Path, tests: tuple[str, ...], children: int) -> list[str]:
    """Return the command that tests the mutants listed in `folder`, on SQLite only."""
    options = [
        f"--mutants={folder / 'names.json'}",
        f"--mutant-results={folder / 'results'}",
        f"--mutant-children={children}",
    ]
    plugins = ["-p", "tools.mutant_forks", "-p", "no:cacheprovider", "-o", "timeout=0"]
    silent = ["--quiet", "--capture=no", "--hypothesis-profile=mutants", "-k", "not postgresql"]
    return [sys.executable, "-m", "pytest", *plugins, *silent, *options, *tests]


def statuses(results: str) -> dict[str, str]:
    """Return each mutant's status by name, from lines such as `engine.money.x_exact__mutmut_1: killed`."""
    return {found["name"]: found["status"] for found in _RESULT.finditer(results)}


def killed_percent(found: dict[str, str]) -> float:
    """Return the percentage of killed mutants, 100 if there are no mutants."""
    return 100 * sum(status in _KILLED for status in found.values()) / len(found) if found else 100.0


def report(found: dict[str, dict[str, str]]) -> str:
    """Return a table with one line per module and one for all: mutants, killed, percent."""
    whole = {name: status for of_module in found.values() for name, status in of_module.items()}
    return "\n".join(_row(title, of_module) for title, of_module in [*found.items(), ("all", whole)])


def main(arguments: list[str]) -> int:
    """Test the mutants and print a table by module. Return 1 if too many of a module survive, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules such as engine/routing/plan.py; none: all of MEASURED")
    parser.add_argument("--tests", nargs="+", default=[], help="tests to run instead of the module's")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="mutants tested at the same time")
    parser.add_argument("--again", action="store_true", help="repeat the survivors of the last run only")
    chosen = parser.parse_args(arguments)
    found: dict[str, dict[str, str]] = {}
    for module in chosen.modules or measured_modules(Path()):
        tests = tuple(chosen.tests) or tests_of(module)
        found[module] = measure(module, tests, children=chosen.children, again=chosen.again)
        _say(_row(module, found[module]))
    _say(f"\n{report(found)}")
    return 1 if any(killed_percent(each) < KILLED_PERCENT for each in found.values()) else 0


def _row(title: str, found: dict[str, str]) -> str:
    killed = sum(status in _KILLED for status in found.values())
    return f"{title:<40} {len(found):>5} mutants {killed:>5} killed {killed_percent(found):>6.1f} %"


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "SQLITE_TEMPLATE": str((folder / "template.db").resolve())}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
