"""Tests of the mutation test command, without mutmut and without tests to run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import mutants

ROOT = Path(__file__).parents[2]
ATTEMPT_TESTS = tuple(
    f"tests/engine/gateway/test_{name}.py" for name in ("attempt", "attempt_calls", "attempt_records")
)
RESULTS = """engine.money.x_a__mutmut_1: killed
engine.money.x_a__mutmut_2: timeout
engine.money.x_a__mutmut_3: survived
engine.money.xǁMoneyǁb__mutmut_1: no tests
"""
CODE = """def x_a__mutmut_orig():
    return 1

class Money:
    def xǁMoneyǁb__mutmut_orig(self): # type: ignore # mutmut generated
        return 1 # type: ignore # mutmut generated

    def xǁMoneyǁb__mutmut_1(self): # type: ignore # mutmut generated
        return 2 # type: ignore # mutmut generated
"""


def mutant_set(**hashes: str) -> mutants.MutantSet:
    lines = {"xǁMoneyǁb__mutmut_orig": (5, 6), "xǁMoneyǁb__mutmut_1": (8, 9)}
    lines |= {f"x_a__mutmut_{end}": (1, 2) for end in ("orig", 1, 2, 3)}
    return mutants.MutantSet(list(mutants.statuses(RESULTS)), CODE, lines, hashes)


def last_run(folder: Path, results: str = RESULTS, hashes: str = '{"x_a": "1", "xǁMoneyǁb": "2"}') -> Path:
    (folder / "results").write_text(results)
    (folder / "hashes.json").write_text(hashes)
    return folder


@pytest.mark.parametrize("pattern", mutants.MEASURED)
def test_every_measured_pattern_names_a_module(pattern: str) -> None:
    assert list(ROOT.glob(pattern))


def test_packages_themselves_are_not_measured() -> None:
    modules = mutants.measured_modules(ROOT)
    assert {"engine/money.py", "engine/routing/plan.py", "storage/ledger/holds.py"} <= set(modules)
    assert not [module for module in modules if module.endswith("__init__.py")]


@pytest.mark.parametrize("module", mutants.FURTHER_TESTS)
def test_module_with_further_tests_and_those_tests_exist(module: str) -> None:
    assert module in mutants.measured_modules(ROOT)
    assert [path for path in mutants.tests_of(module) if not (ROOT / path).is_file()] == []


def test_module_without_functions_has_no_mutants_and_runs_no_tests(project: Path) -> None:
    nothing = mutants.MutantSet([], "", {}, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mutants, "mutate", lambda _: nothing)
        assert mutants.measure("engine/money.py", (), children=1) == {}
    assert not (project / ".mutants").exists()


def test_survivors_and_mutants_without_tests_lower_the_share_but_timeouts_count_as_killed() -> None:
    found = mutants.statuses(RESULTS)
    assert len(found) == 4
    assert mutants.killed_percent(found) == 50
    assert mutants.killed_percent({}) == 100


def test_last_status_of_a_mutant_counts() -> None:
    assert mutants.statuses("engine.money.x_a__mutmut_1: survived\nengine.money.x_a__mutmut_1: killed\n") == {
        "engine.money.x_a__mutmut_1": "killed"
    }


def test_diff_shows_the_function_under_its_own_name_and_the_changed_line() -> None:
    diff = mutant_set().diff("engine.money.xǁMoneyǁb__mutmut_1")
    assert diff.splitlines()[3:] == ["     def b(self):", "-        return 1", "+        return 2"]


def test_again_leaves_out_the_killed_mutants_of_unchanged_functions(tmp_path: Path) -> None:
    assert mutants.remaining(last_run(tmp_path), mutant_set(x_a="1", xǁMoneyǁb="2")) == {
        "engine.money.x_a__mutmut_1": "killed",
        "engine.money.x_a__mutmut_2": "timeout",
    }


def test_again_repeats_all_mutants_of_a_changed_function(tmp_path: Path) -> None:
    assert mutants.remaining(last_run(tmp_path), mutant_set(x_a="changed", xǁMoneyǁb="2")) == {}


def test_again_without_an_earlier_run_repeats_all(tmp_path: Path) -> None:
    assert mutants.remaining(tmp_path, mutant_set(x_a="1")) == {}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one module, whose mutants all survive; `tested` contains the module that was tested."""
    for name, text in {"engine/money.py": "original", ".gitignore": "*.db\n", "left.db": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    tester = (
        "import json, pathlib, shutil; shutil.copy('engine/money.py', '../tested');"
        "names = json.loads(pathlib.Path('../names.json').read_text());"
        "pathlib.Path('../results').open('a').write(''.join(name + ': survived\\n' for name in names))"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mutants, "mutate", lambda _: mutant_set(x_a="1", xǁMoneyǁb="2"))
    monkeypatch.setattr(mutants, "pytest_command", lambda *_: [sys.executable, "-c", tester])
    return tmp_path


def test_mutants_are_tested_in_a_copy_and_survivors_are_printed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = mutants.measure("engine/money.py", ("tests/engine/test_money.py",), children=1)
    assert found == dict.fromkeys(mutants.statuses(RESULTS), "survived")
    assert (project / ".mutants/engine.money/tested").read_text() == CODE
    assert (project / "engine/money.py").read_text() == "original"
    assert not (project / ".mutants/engine.money/copy/left.db").exists()
    assert "+        return 2" in capsys.readouterr().out


def test_killed_mutants_of_the_last_run_are_not_tested_again(project: Path) -> None:
    folder = project / ".mutants/engine.money"
    folder.mkdir(parents=True)
    last_run(folder)
    again = mutants.measure("engine/money.py", (), children=1, again=True)
    assert list(again.values()) == ["killed", "timeout", "survived", "survived"]
    whole = mutants.measure("engine/money.py", (), children=1)
    assert set(whole.values()) == {"survived"}


def test_report_has_a_line_for_each_module_and_one_for_all() -> None:
    of_plan = {
        f"engine.routing.plan.x_a__mutmut_{n}": status for n, status in enumerate(["killed", "timeout", "survived"])
    }
    lines = mutants.report({"engine/routing/plan.py": of_plan, "engine/money.py": {}}).splitlines()
    assert [line.split()[0] for line in lines] == ["engine/routing/plan.py", "engine/money.py", "all"]
    assert lines[0].split()[1:] == ["3", "mutants", "2", "killed", "66.7", "%"]


@pytest.mark.parametrize(("survived", "code"), [(1, 0), (2, 1)])
def test_exit_code_is_one_where_one_module_has_too_few_killed(
    survived: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = {
        "engine/money.py": ["survived"] * survived + ["killed"] * (10 - survived),
        "engine/holds.py": ["killed"] * 100,
    }
    monkeypatch.setattr(
        mutants, "measure", lambda module, *_, **__: {f"{module}{n}": s for n, s in enumerate(statuses[module])}
    )
    assert mutants.main(list(statuses)) == code
    assert "110 mutants" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [(module, mutants.tests_of(module)) for module in mutants.measured_modules(ROOT)]),
        (["engine/money.py"], [("engine/money.py", ("tests/engine/test_money.py",))]),
        (["engine/money.py", "--tests", "tests/engine"], [("engine/money.py", ("tests/engine",))]),
        (["engine/gateway/attempt.py"], [("engine/gateway/attempt.py", ATTEMPT_TESTS)]),
    ],
)
def test_modules_are_measured_with_their_tests_or_the_given_ones(
    arguments: list[str], expected: list[tuple[str, tuple[str, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[tuple[str, tuple[str, ...]]] = []

    def measure(module: str, tests: tuple[str, ...], **_: object) -> dict[str, str]:
        measured.append((module, tests))
        return {}

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(mutants, "measure", measure)
    assert mutants.main(arguments) == 0
    assert measured == expected
