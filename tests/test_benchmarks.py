"""The routing benchmark's inputs, and the ability of a replay to distinguish good planning from bad."""

import json
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks import routing
from benchmarks.replay.cases import CASES, Case, run_case
from benchmarks.replay.inputs import BadInput, Fault, Prompt, read_faults, read_prices, read_trace, seeded_faults
from benchmarks.replay.limits import new_shape
from benchmarks.replay.policies import Farthing
from benchmarks.replay.report import Line
from benchmarks.replay.world import World
from engine.catalog.offers import Offer, flat_price

PRICES = "offer,input,output\na/cheap,0.10,0.20\nb/dear,0.20,0.40\nopenai/gpt-4o,2.50,10\n"
TRACE = "arrival_s,input_tokens,output_tokens\n" + "".join(f"{n * 0.4:.1f},400,100\n" for n in range(600))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trace.csv").write_text(TRACE)
    (tmp_path / "prices.csv").write_text(PRICES)
    return tmp_path


def lines(folder: Path, *faults: Fault) -> dict[str, Line]:
    prompts, prices = read_trace(folder / "trace.csv"), read_prices(folder / "prices.csv")
    return {line.policy: line for line in routing.compare(prompts, faults, prices, seed=1)}


def test_a_calm_replay_costs_what_the_oracle_pays(folder: Path) -> None:
    ours = lines(folder)[Farthing.name]
    assert ours.ratio_to_oracle == pytest.approx(1, abs=0.01)
    assert (ours.failed_percent, ours.wasted_tries_per_1000) == (0, 0)


@pytest.mark.parametrize("kind", ["down", "flaky", "limit", "slow", "cut"])
def test_no_prompt_fails_while_somebody_is_up(folder: Path, kind: str) -> None:
    value = {"down": 0.05, "flaky": 0.3, "limit": 20, "slow": 30, "cut": 0.3}[kind]
    ours = lines(folder, Fault("a", 60, 180, kind, value))[Farthing.name]
    assert ours.failed_percent == 0
    assert ours.ratio_to_oracle < 1.2


def test_a_dead_provider_sees_five_failures_and_probes(folder: Path) -> None:
    ours = lines(folder, Fault("a", 60, 240, "down", 0.05))[Farthing.name]
    # five failures, three that cut running answers, and attempts at growing pauses: nine while the outage is younger
    # than 20 s and grows by a sixth between them, then 24: the pauses grow with the square root of its 180 s
    assert ours.wasted_tries_per_1000 * 600 / 1000 <= 5 + 3 + 9 + 24 + 3


def test_who_knows_no_faults_pays_for_them(folder: Path) -> None:
    found = lines(folder, Fault("openai", 0, 240, "down", 0.05))
    assert found["always GPT-4o"].failed_percent == 100


def test_prices_are_read_in_each_format(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('[prices."a/m"]\ninput = "0.1"\noutput = "0.2"\n')
    (tmp_path / "p.json").write_text(json.dumps({"a/m": {"input": "0.1", "output": 0.2}}))
    (tmp_path / "p.csv").write_text("offer,input,output,cached_input\na/m,0.1,0.2,\n")
    assert read_prices(tmp_path / "p.toml") == read_prices(tmp_path / "p.json") == read_prices(tmp_path / "p.csv")


def test_faults_are_read_in_each_format(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("provider,from_s,to_s,kind,value\na,1,2,down,\n")
    (tmp_path / "f.json").write_text('[{"provider": "a", "from_s": 1, "to_s": 2, "kind": "down"}]')
    assert read_faults(tmp_path / "f.csv") == read_faults(tmp_path / "f.json") == [Fault("a", 1, 2, "down", 0.05)]


def test_a_kind_of_fault_that_there_is_not_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("provider,from_s,to_s,kind,value\na,1,2,sleepy,1\n")
    with pytest.raises(BadInput, match="sleepy"):
        read_faults(tmp_path / "f.csv")


def test_a_trace_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("when,what\n1,2\n")
    with pytest.raises(BadInput, match="arrival_s"):
        read_trace(tmp_path / "t.csv")


def test_a_seed_makes_the_same_faults_each_time() -> None:
    assert seeded_faults(["a", "b"], 100, 7) == seeded_faults(["a", "b"], 100, 7) != seeded_faults(["a", "b"], 100, 8)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_reaches_its_figure(case: Case) -> None:
    """If the first seed misses the figure, the mean of five decides: single seeds differ from it by up to a fifth."""
    results = [run_case(case, routing._offers, seed=2)]
    if not results[0].is_reached:
        results += [run_case(case, routing._offers, seed=seed) for seed in (1, 3, 4, 5)]
    assert fmean(result.value for result in results) <= case.most, results
    assert all(result.lost <= 35 for result in results)


def test_second_oracle_repeats_an_attempt_where_that_is_cheaper(folder: Path) -> None:
    found = lines(folder, Fault("a", 0, 240, "flaky", 0.3))
    second = found["oracle, second attempts"]
    assert second.ratio_to_oracle < 0.9
    assert second.wasted_tries_per_1000 == pytest.approx(210, abs=40)
    assert found["oracle"].ratio_to_second_oracle == pytest.approx(1 / second.ratio_to_oracle)


def test_prompts_that_only_the_oracle_answered_are_counted(folder: Path) -> None:
    found = lines(folder, Fault("openai", 0, 240, "down", 0.05))
    assert found["always GPT-4o"].lost_while_any_up == 600
    assert found[Farthing.name].lost_while_any_up == 0


def test_model_whose_thinking_is_billed_is_left_after_few_answers() -> None:
    prompts = read_trace(routing.TRACE)[:400]
    ours = {line.policy: line for line in routing.compare_thinking(prompts, seed=1)}[Farthing.name]
    assert ours.ratio_to_oracle < 1.05
    assert ours.answered_by["fast/mini"] > 350


def test_fault_of_one_offer_leaves_the_others_of_its_provider() -> None:
    offer, other = Offer("a", "m"), Offer("a", "n")
    world = World([Fault("a/m", 10, 20, "down", 0.05)], seed=1)
    assert world.attempt(offer, Prompt(0, 10, 10, 10), 1, 10).error is not None
    assert world.attempt(other, Prompt(0, 10, 10, 10), 1, 10).error is None
    assert world.attempt(offer, Prompt(0, 10, 10, 10), 1, 20).error is None


@pytest.mark.parametrize(
    ("kind", "admitted"),
    [
        ("limit", [1, 1, 0, 1, 1, 0]),
        ("limit-minute", [1, 1, 1, 1, 0, 1]),
        ("limit-bucket", [1, 1, 1, 0, 1, 1]),
        ("limit-counted", [1, 1, 0, 0, 0, 0]),
    ],
)
def test_limits_have_the_shape_of_their_kind(kind: str, admitted: list[int]) -> None:
    shape, found = new_shape(kind), []
    for at in (0, 41, 45, 60, 102, 103):
        found.append(int(shape.admits(at, 2)))
        shape.took(at, admitted=bool(found[-1]))
    assert found == admitted


def test_overlapping_blips_cost_little_where_the_third_offer_is_dear() -> None:
    prompts = [Prompt(number, number / 4, 400, 100) for number in range(480)]
    prices = {"a/m": flat_price("0.10", "0.40"), "b/m": flat_price("0.12", "0.42"), "c/m": flat_price("3", "12")}
    begins = [(name, start + at) for start in (30, 90) for name, at in (("a", 2), ("b", 0))]
    faults = [Fault(name, begin, begin + 3, "down", 0.05) for name, begin in begins]
    ours = next(line for line in routing.compare(prompts, faults, prices, seed=1) if line.policy == Farthing.name)
    assert ours.failed_percent == 0
    assert ours.ratio_to_oracle < 1.25
