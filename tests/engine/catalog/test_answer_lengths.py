"""Expected lengths of answers."""

import json

import pytest

from engine.catalog.answer_lengths import MEMORY, USUAL_OUTPUT_TOKENS, AnswerLengths, Mean


def taught(*lengths: tuple[int, float]) -> AnswerLengths:
    """Return lengths that have learned pairs of (input tokens, answer tokens) for `auto`."""
    made = AnswerLengths()
    for input_tokens, tokens in lengths:
        made.learn("auto", None, input_tokens, tokens)
    return made


def test_unknown_model_has_the_usual_length() -> None:
    assert taught((100, 10)).expected("smart", 7, 100) == USUAL_OUTPUT_TOKENS


def test_length_follows_the_size_of_the_input() -> None:
    made = taught(*[(100, 50), (2000, 800)] * 200)
    assert made.expected("auto", None, 100) < 80
    assert made.expected("auto", None, 2000) > 750
    assert made.expected("auto", None, 0) == pytest.approx(425, abs=5)


def test_size_is_drawn_towards_the_larger_sizes_around_it_and_the_octave_towards_the_model() -> None:
    made = taught((128, 100), (1024, 300))
    octave = (100 + 10 * 200) / 11
    quarter = (100 + 10 * octave) / 11
    assert made.expected("auto", None, 128) == pytest.approx((100 + 10 * quarter) / 11)
    assert made.expected("auto", None, 145) == pytest.approx(quarter)  # the same quarter octave, the other eighth
    assert made.expected("auto", None, 250) == pytest.approx(octave)  # the same octave, another quarter
    assert made.expected("auto", None, 256) == pytest.approx(200)  # another octave


def test_tenants_own_multiple_holds_for_each_size() -> None:
    made = taught(*[(100, 50), (2000, 800)] * 200)
    for _ in range(100):
        made.learn("auto", 7, 100, 100)
    assert made.expected("auto", 7, 2000) > 1.2 * made.expected("auto", None, 2000)


def test_old_answers_fade() -> None:
    mean = Mean()
    for value in [100.0] * 1000 + [0.0] * 1000:
        mean.add(value)
    assert mean.value < 1
    assert mean.samples == pytest.approx(1 / (1 - MEMORY))


def test_state_survives_a_restart_and_rows_of_earlier_releases_load() -> None:
    before, after, old = taught((100, 50), (2000, 800)), AnswerLengths(), AnswerLengths()
    state = json.loads(json.dumps(before.dump()))
    after.load(state)
    old.load({"answers": state["answers"]})
    for size in (0, 100, 2000):
        assert after.expected("auto", None, size) == before.expected("auto", None, size)
        assert old.expected("auto", None, size) == before.expected("auto", None, 0)
