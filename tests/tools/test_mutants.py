"""Tests of the mutation test runner, without mutmut itself."""

import tomllib
from pathlib import Path

import pytest

from tools import mutants

RESULTS = """
    engine.routing.plan.x_a__mutmut_1: killed
    engine.routing.plan.x_a__mutmut_2: timeout
    engine.routing.plan.x_a__mutmut_3: survived
    engine.money.x_b__mutmut_1: no tests
"""


def test_run_without_modules_covers_every_target() -> None:
    runs = mutants.planned_runs([], [])
    assert [run.sources for run in runs] == [[source] for source in mutants.TARGETS]
    assert [run.tests for run in runs] == [[folder] for folder in mutants.TARGETS.values()]


@pytest.mark.parametrize(("source", "folder"), mutants.TARGETS.items())
def test_every_target_exists(source: str, folder: str) -> None:
    root = Path(__file__).parents[2]
    assert list(root.glob(source))
    assert (root / folder).is_dir()


def test_one_module_runs_with_the_tests_of_its_folder_or_with_the_given_ones() -> None:
    assert mutants.planned_runs(["engine/routing/plan.py"], []) == [
        mutants.MutationRun("engine.routing.plan", ["engine/routing/plan.py"], ["tests/engine/routing"])
    ]
    assert mutants.planned_runs(["engine/money.py"], ["tests/engine/test_money.py"])[0].tests == [
        "tests/engine/test_money.py"
    ]


def test_configuration_is_toml_and_leaves_postgresql_out_unless_asked_for() -> None:
    run = mutants.MutationRun("n", ["engine/money.py"], ["tests/engine"])
    section = tomllib.loads(mutants.configuration(run, ["main"], with_postgresql=False))["tool"]["mutmut"]
    assert section["only_mutate"] == ["engine/money.py"]
    assert section["also_copy"] == ["main"]
    assert section["pytest_add_cli_args"] == ["--hypothesis-profile=mutants", "-k", "not postgresql"]
    both = tomllib.loads(mutants.configuration(run, [], with_postgresql=True))["tool"]["mutmut"]
    assert both["pytest_add_cli_args"] == ["--hypothesis-profile=mutants"]


def test_survivors_and_untested_mutants_lower_the_share_but_timeouts_count_as_killed() -> None:
    found = mutants.statuses(RESULTS)
    assert len(found) == 4
    assert mutants.killed_percent(found) == 50
    assert mutants.killed_percent({}) == 100


def test_report_has_a_line_for_each_module_and_one_for_all() -> None:
    lines = mutants.report(mutants.statuses(RESULTS)).splitlines()
    assert [line.split()[0] for line in lines] == ["engine.money", "engine.routing.plan", "all"]
    assert lines[1].split()[1:] == ["3", "mutants", "2", "killed", "66.7", "%"]


@pytest.mark.parametrize(("survived", "code"), [(1, 0), (2, 1)])
def test_exit_code_is_one_below_the_share_that_must_be_killed(
    survived: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {f"m.x_a__mutmut_{n}": "survived" if n < survived else "killed" for n in range(10)}
    monkeypatch.setattr(mutants, "run_mutants", lambda *_, **__: found)
    assert mutants.main(["engine/money.py"]) == code
    assert "10 mutants" in capsys.readouterr().out
