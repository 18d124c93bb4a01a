"""Tests of the pytest plugin that tests mutants, with a module in the form of mutmut's output."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools import mutant_forks
from tools.mutant_forks import MutantProcess, Recording
from tools.mutants import statuses

ROOT = Path(__file__).parents[2]
TRAMPOLINE = """
import os

def record_trampoline_hit(name, caller):
    raise AssertionError("the plugin replaces this function")

def chosen(functions, name):
    active = os.environ["MUTANT_UNDER_TEST"]
    if active == "stats":
        record_trampoline_hit(f"prices.{name}", caller=None)
    return functions.get(active.removeprefix("prices."), functions[name])
"""
PRICES = """
import os, time
from mutmut.mutation.trampoline import chosen

def add(a, b):
    copies = {"x_add": lambda: a + b, "x_add__mutmut_1": lambda: a - b, "x_add__mutmut_2": lambda: b + a,
              "x_add__mutmut_3": lambda: time.sleep(600), "x_add__mutmut_4": lambda: os._exit(0),
              "x_add__mutmut_5": lambda: [None for _ in iter(int, 1)]}
    return chosen(copies, "x_add")()
"""
TESTS = """
import os, pathlib, tempfile
import pytest
import prices

@pytest.fixture(scope="session")
def log():
    tempfile.mkdtemp()
    with pathlib.Path(__file__).with_name("log").open("a") as file:
        file.write(f"{os.environ['MUTANT_UNDER_TEST']} {os.getpid()} {tempfile.gettempdir()}\\n")

def test_without_a_call():
    assert os.environ["MUTANT_UNDER_TEST"] == "stats"

def test_sum(log):
    assert prices.add(1, 2) == 3
"""
SHORT = """
from tools import mutant_forks
mutant_forks.LEAST_SECONDS = 3
mutant_forks.LEAST_PROCESSOR_SECONDS = 1
"""
NAMES = [f"prices.x_add__mutmut_{number}" for number in (1, 2, 3, 4, 5)]
HANGING, LOOPING = NAMES[2], NAMES[4]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a module with five mutants of `add`: wrong, equivalent, waiting, ending the process, looping."""
    files = {
        "mutmut/__init__.py": "",
        "mutmut/mutation/__init__.py": "",
        "mutmut/mutation/trampoline.py": TRAMPOLINE,
        "prices.py": PRICES,
        "test_prices.py": TESTS,
        "pytest.ini": "[pytest]\n",
        "short.py": SHORT,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(project: Path, names: list[str], *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    (project / "names.json").write_text(json.dumps(names))
    command = [sys.executable, "-m", "pytest", "-p", "short", "-p", "tools.mutant_forks", "-p", "no:cacheprovider"]
    files = [f"--mutants={project / 'names.json'}", f"--mutant-results={project / 'results'}", "--capture=no"]
    environment = {**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{ROOT}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, *files, *options], cwd=project, env=environment, check=False, capture_output=True, text=True
    )
    results = project / "results"
    return done, statuses(results.read_text()) if results.exists() else {}


def test_status_of_each_mutant_is_written(project: Path) -> None:
    done, found = run(project, [*NAMES, "prices.x_other__mutmut_1"], "--mutant-children=2")
    assert done.returncode == 0, done.stdout
    assert found == {
        **dict(zip(NAMES, ("killed", "survived", "timeout", "killed", "timeout"), strict=True)),
        "prices.x_other__mutmut_1": "no tests",
    }


def test_each_mutant_has_its_own_process_fixtures_and_temporary_files_which_are_removed(project: Path) -> None:
    names = [name for name in NAMES if name not in {HANGING, LOOPING}]
    run(project, names)
    used = [line.split() for line in (project / "log").read_text().splitlines()]
    assert [name for name, _, _ in used] == ["stats", *names]
    assert len({process for _, process, _ in used}) == len(used)
    folders = [Path(folder) for _, _, folder in used[1:]]
    assert len(set(folders)) == len(names)
    assert not any(folder.exists() for folder in folders)


def test_tests_that_fail_without_a_mutant_are_named_and_no_mutant_is_tested(project: Path) -> None:
    (project / "test_prices.py").write_text(f"{TESTS}\ndef test_broken():\n    assert prices.add(1, 1) == 3\n")
    done, found = run(project, NAMES)
    assert done.returncode != 0
    assert "these tests fail without a mutant: test_prices.py::test_broken" in done.stdout + done.stderr
    assert found == {}


def test_crash_without_a_mutant_stops_the_run(project: Path) -> None:
    (project / "test_prices.py").write_text("import os\n\ndef test_crash():\n    os._exit(0)\n")
    done, found = run(project, NAMES)
    assert done.returncode != 0
    assert "the run without a mutant has crashed" in done.stdout + done.stderr
    assert found == {}


def test_plugin_without_mutants_runs_the_tests(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tools.mutant_forks", "-k", "without_a_call"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{ROOT}", "MUTANT_UNDER_TEST": "stats"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_only_tests_that_call_the_function_run_and_the_quickest_first() -> None:
    recording = Recording({"m.x_a": [0, 2, 3], "m.x_b": [1]}, [3.0, 0.1, 1.0, 2.0])
    assert recording.tests_of("m.x_a__mutmut_7") == [2, 3, 0]
    assert recording.tests_of("m.x_c__mutmut_1") == []
    assert recording.limits_seconds("m.x_a__mutmut_7") == (10 + 15 * 6, 5 + 5 * 6)
    assert recording.limits_seconds("m.x_b__mutmut_7") == (10 + 15 * 0.1, 6)


def test_function_of_a_mutant_is_the_name_before_its_number() -> None:
    assert mutant_forks.function_of("engine.money.xǁMoneyǁper_mtok__mutmut_12") == "engine.money.xǁMoneyǁper_mtok"


def test_process_that_has_ended_waits_for_no_processor() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert mutant_forks.queued_seconds(process.pid) == 0


def test_time_without_a_processor_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant_forks, "queued_seconds", lambda process_id: {7: 2500.0}[process_id])
    process: Any = SimpleNamespace(pid=7)
    running = MutantProcess("m", process, Path(), started=time.monotonic() - 5000, limit_seconds=3000)
    assert running.remaining_seconds() == pytest.approx(500, abs=60)
