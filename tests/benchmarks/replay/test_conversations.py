from itertools import pairwise

import pytest

from benchmarks.replay.conversation_table import compare_conversations
from benchmarks.replay.conversations import LEAST_GAP_S, PromptCaches, Turn, make_conversations
from benchmarks.replay.inputs import Prompt
from benchmarks.replay.policies import ReplayCatalog
from benchmarks.routing import START, _offers
from engine.catalog.offers import Offer, Price, flat_price

PROMPTS = [Prompt(number, number * 0.5, 800 + number % 700, 100 + number % 90) for number in range(400)]
PRICES = {
    "deepseek/x": flat_price("0.14", "0.28", "0.0028"),
    "mistral/x": flat_price("0.10", "0.10"),
    "gemini/x": flat_price("0.10", "0.40", "0.01"),
}


def market(prices: dict[str, Price]) -> ReplayCatalog:
    return _offers(prices)


def test_conversations_are_made_alike_from_one_seed_and_use_each_prompt_once() -> None:
    made = make_conversations(PROMPTS, 1)
    assert made == make_conversations(PROMPTS, 1) != make_conversations(PROMPTS, 2)
    assert sum(map(len, made)) == len(PROMPTS)
    assert len(PROMPTS) / len(made) == pytest.approx(4, rel=0.3)


def test_each_input_holds_the_turns_before() -> None:
    for turns in make_conversations(PROMPTS, 1):
        for before, turn in pairwise(turns):
            assert turn.input_tokens == before.input_tokens + before.output_tokens + turn.question_tokens
            assert turn.at_s - before.at_s > LEAST_GAP_S


def test_real_hits_need_the_lifetime_the_least_length_and_luck() -> None:
    real, always, turn = (
        PromptCaches(always=False, seed=1),
        PromptCaches(always=True, seed=1),
        Turn(1, 2, 0, 10, 2000, 10),
    )
    gemini, mistral = Offer("gemini", "x"), Offer("mistral", "x")
    assert real.share(gemini, 1024, 300) == 0.5
    assert real.share(gemini, 1023, 300) == real.share(gemini, 1024, 301) == real.share(mistral, 9000, 1) == 0
    assert always.cached_tokens(mistral, turn, 1000, 9999) == 1000
    hits = [real.cached_tokens(gemini, Turn(n, 2, 0, 10, 2000, 10), 2000, 1) for n in range(400)]
    assert set(hits) == {0, 2000}
    assert sum(hits) / 2000 == pytest.approx(200, abs=40)


def test_planning_the_conversation_beats_planning_the_turn() -> None:
    found = compare_conversations(make_conversations(PROMPTS, 1), lambda: market(PRICES), START, 1)
    for lines in found.values():
        ratios = {line.policy: line.ratio_to_oracle for line in lines}
        assert ratios["oracle"] == 1
        assert 1 <= ratios["farthing chat"] < ratios["farthing, the turn alone"]
        assert ratios["farthing http"] == pytest.approx(ratios["farthing chat"], rel=0.05)
