"""Models that are expected to think without an opening tag."""

import pytest

from engine.providers.streams.think_tags import _MOST_MODELS, ThinkingHabits


@pytest.mark.parametrize("model", ["deepseek-r1:8b", "DeepSeek-R1-Distill-Qwen-7B", "qwen3:8b", "QwQ-32B", "magistral"])
def test_models_of_a_likely_name_are_expected_to_think_on_own_servers_only(model: str) -> None:
    assert ThinkingHabits(is_self_hosted=True).is_expected(model)
    assert not ThinkingHabits(is_self_hosted=False).is_expected(model)


@pytest.mark.parametrize("model", ["llama3.2", "qwen2.5-coder", "a-model", "gemma-3", "command-r10"])
def test_other_models_are_not(model: str) -> None:
    assert not ThinkingHabits(is_self_hosted=True).is_expected(model)


def test_answers_outweigh_the_name() -> None:
    habits = ThinkingHabits(is_self_hosted=True)
    habits.observe("qwen3", unopened=False)
    habits.observe("llama", unopened=True)
    assert (habits.is_expected("qwen3"), habits.is_expected("llama")) == (False, True)


def test_memory_is_bounded() -> None:
    habits = ThinkingHabits(is_self_hosted=False)
    for number in range(_MOST_MODELS + 1):
        habits.observe(f"m{number}", unopened=True)
    assert [habits.is_expected(name) for name in ("m0", "m1", f"m{_MOST_MODELS}")] == [False, True, True]
