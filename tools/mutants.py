"""Mutation testing of routing, gateway, prices and ledger with mutmut, in copies of the repository under `.mutants/`.

`python -m tools.mutants` runs over all of TARGETS, `python -m tools.mutants engine/routing/plan.py` over one module.
Exit code 1 where less than KILLED_PERCENT of the mutants were killed. `--again` repeats the survivors only.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# Source pattern -> folder with the tests that have to kill its mutants.
TARGETS = {
    "engine/routing/*.py": "tests/engine/routing",
    "engine/gateway/*.py": "tests/engine/gateway",
    "engine/catalog/offers.py": "tests/engine/catalog",
    "engine/catalog/price_book.py": "tests/engine/catalog",
    "storage/ledger/*.py": "tests/storage/ledger",
}
KILLED_PERCENT = 90
TIMEOUT_SECONDS = 60  # for tests that take no time: a busy machine must not look like a killed mutant
WORK = Path(".mutants")

_MUTATED_ROOTS = ("engine", "storage")
_KILLED = {"killed", "timeout", "segfault"}  # a mutant that hangs or crashes its tests is noticed
_TIMEOUT_TIMES = 15  # mutmut's own factor
_RESULT = re.compile(r"^\s*(?P<name>\S+): (?P<status>.+)$")


@dataclass(frozen=True, slots=True)
class MutationRun:
    """Modules that are mutated together, and the tests that run for each mutant."""

    name: str
    sources: list[str]
    tests: list[str]


def planned_runs(modules: list[str], tests: list[str]) -> list[MutationRun]:
    """Return one run for each target, or one for these modules with the tests of their folders.

    `tests`, where given, replaces the tests of the folders.
    """
    if not modules:
        return [
            MutationRun(source.removesuffix("/*.py").replace("/", "."), [source], tests or [folder])
            for source, folder in TARGETS.items()
        ]
    name = "+".join(module.removesuffix(".py").replace("/", ".") for module in modules)
    folders = sorted({f"tests/{Path(module).parent.as_posix()}" for module in modules})
    return [MutationRun(name, modules, tests or folders)]


def configuration(run: MutationRun, copied: list[str], *, with_postgresql: bool) -> str:
    """Return the `[tool.mutmut]` section for this run. `copied`: files and folders that the tests need."""
    values = {
        "source_paths": list(_MUTATED_ROOTS),
        "only_mutate": run.sources,
        "pytest_add_cli_args_test_selection": run.tests,
        "pytest_add_cli_args": ["--hypothesis-profile=mutants", *([] if with_postgresql else ["-k", "not postgresql"])],
        "also_copy": copied,
        "process_isolation": "forkserver",  # database threads do not survive a plain fork
        "use_git_change_detection": False,
        "timeout_constant": TIMEOUT_SECONDS / _TIMEOUT_TIMES,
        "timeout_multiplier": _TIMEOUT_TIMES,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def statuses(results: str) -> dict[str, str]:
    """Return the status of each mutant by its name, from the output of `mutmut results --all true`."""
    return {found["name"]: found["status"] for line in results.splitlines() if (found := _RESULT.match(line))}


def killed_percent(found: dict[str, str]) -> float:
    """Return the share of killed mutants in percent, 100 where there are none."""
    return 100 * sum(status in _KILLED for status in found.values()) / len(found) if found else 100.0


def run_mutants(run: MutationRun, *, children: int, with_postgresql: bool, again: bool = False) -> dict[str, str]:
    """Copy the repository, run mutmut there, print the diff of each survivor. Return the status of each mutant.

    `again`: repeat only the mutants of the last run that survived, and those of functions changed since then.
    """
    folder = WORK / run.name
    if not again:
        shutil.rmtree(folder, ignore_errors=True)
    files = _output(["git", "ls-files", "--cached", "--others", "--exclude-standard"], Path()).splitlines()
    copied = sorted({name.split("/")[0] for name in files} - {*_MUTATED_ROOTS, "tests", "pyproject.toml"})
    section = configuration(run, copied, with_postgresql=with_postgresql)
    for name in files:
        if Path(name).is_file():
            content = Path(name).read_bytes() + (section.encode() if name == "pyproject.toml" else b"")
            _write(folder / name, content)
    _say(f"== {run.name}: {' '.join(run.sources)} with {' '.join(run.tests)}")
    mutmut = [sys.executable, "-m", "mutmut"]
    results = [*mutmut, "results", "--all", "true"]
    names = [name for name, status in statuses(_output(results, folder)).items() if status != "killed"] if again else []
    environment = {**os.environ, "SQLITE_TEMPLATE": str((folder / "template.db").resolve())}
    command = [*mutmut, "run", "--max-children", str(children), *names]
    subprocess.run(command, cwd=folder, check=True, env=environment)
    found = statuses(_output(results, folder))
    for name, status in found.items():
        if status not in _KILLED:
            _say(f"\n{_output([*mutmut, 'show', name], folder)}")
    return found


def main(arguments: list[str]) -> int:
    """Run the mutants and print a table by module. Return 1 where too many survive, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules such as engine/routing/plan.py; none: all targets")
    parser.add_argument("--tests", nargs="+", default=[], help="tests to run instead of those of the folder")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="mutants tested at the same time")
    parser.add_argument("--postgresql", action="store_true", help="run the tests on PostgreSQL too (slow)")
    parser.add_argument("--again", action="store_true", help="repeat the survivors of the last run only")
    chosen = parser.parse_args(arguments)
    found: dict[str, str] = {}
    for run in planned_runs(chosen.modules, chosen.tests):
        found |= run_mutants(run, children=chosen.children, with_postgresql=chosen.postgresql, again=chosen.again)
    _say(report(found))
    return 1 if killed_percent(found) < KILLED_PERCENT else 0


def report(found: dict[str, str]) -> str:
    """Return a table with one line for each module and one for all: mutants, killed, percent."""
    modules = Counter(_module(name) for name in found)
    lines = [_row(module, {n: s for n, s in found.items() if _module(n) == module}) for module in sorted(modules)]
    return "\n".join([*lines, _row("all", found)])


def _row(title: str, found: dict[str, str]) -> str:
    killed = sum(status in _KILLED for status in found.values())
    return f"{title:<40} {len(found):>5} mutants {killed:>5} killed {killed_percent(found):>6.1f} %"


def _module(mutant: str) -> str:
    return mutant.rpartition(".")[0]


def _write(path: Path, content: bytes) -> None:
    """Write a file unless it holds `content` already: its date says to mutmut whether it has changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != content:
        path.write_bytes(content)


def _output(command: list[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
