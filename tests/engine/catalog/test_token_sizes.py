import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.offers import Offer
from engine.catalog.token_counts import Measure, measure
from engine.catalog.token_sizes import SAMPLES_TO_HOLD, USUAL_OUTPUT_TOKENS, TokenSizes
from engine.chat import ChatRequest, Role, says

A, B = Offer("a", "m"), Offer("b", "m")


def asks(text: str) -> Measure:
    return measure(ChatRequest("1", "auto", (says(Role.USER, text),)))


PROSE = asks("How high is the mountain, and who has climbed it? " * 20)
VIETNAMESE = asks("Ngọn núi ấy cao bao nhiêu, và ai đã leo lên đó? " * 20)


def test_nothing_learned_means_the_script_s_estimate_and_whole_bytes() -> None:
    assert TokenSizes().input_tokens(A, PROSE) == (PROSE.tokens, PROSE.most_tokens)


def test_an_offer_s_own_tokenizer_is_learned_by_script() -> None:
    sizes = TokenSizes()
    for _ in range(200):
        sizes.learn_input(A, VIETNAMESE, round(VIETNAMESE.tokens * 1.6))
        sizes.learn_input(B, VIETNAMESE, VIETNAMESE.tokens)
    assert sizes.input_tokens(A, VIETNAMESE)[0] > VIETNAMESE.tokens * 1.5
    assert sizes.input_tokens(B, VIETNAMESE)[0] < VIETNAMESE.tokens * 1.1
    assert sizes.input_tokens(A, PROSE)[0] == PROSE.tokens


def test_an_offer_that_was_never_asked_is_taken_to_count_as_all_others_do() -> None:
    sizes = TokenSizes()
    for _ in range(3):
        sizes.learn_input(A, PROSE, PROSE.tokens * 3)
        sizes.learn_output(A, "auto", None, 20, (500, 0))
    assert sizes.input_tokens(B, PROSE)[0] == sizes.input_tokens(A, PROSE)[0] == PROSE.tokens * 3
    assert sizes.output_times(B) == pytest.approx(sizes.output_times(A))


def test_a_hold_shrinks_below_the_bytes_only_when_enough_is_learned() -> None:
    sizes = TokenSizes()
    for _ in range(SAMPLES_TO_HOLD - 1):
        sizes.learn_input(A, PROSE, PROSE.tokens)
    assert sizes.input_tokens(A, PROSE)[1] == PROSE.most_tokens
    sizes.learn_input(A, PROSE, PROSE.tokens)
    assert PROSE.tokens < sizes.input_tokens(A, PROSE)[1] < PROSE.most_tokens


@given(st.lists(st.floats(0.2, 4), min_size=SAMPLES_TO_HOLD, max_size=SAMPLES_TO_HOLD + 50))
def test_a_hold_covers_whatever_was_seen_and_never_more_than_the_bytes(ratios: list[float]) -> None:
    sizes = TokenSizes()
    for ratio in ratios:
        sizes.learn_input(A, PROSE, round(PROSE.tokens * ratio))
    most = sizes.input_tokens(A, PROSE)[1]
    assert min(PROSE.most_tokens, PROSE.tokens * max(ratios)) <= most <= PROSE.most_tokens


def test_a_picture_keeps_the_hold_at_its_bound() -> None:
    sizes, seen = TokenSizes(), Measure("plain", 100, 20_000, 80, is_plain=False)
    for _ in range(SAMPLES_TO_HOLD):
        sizes.learn_input(A, PROSE, PROSE.tokens)
    assert sizes.input_tokens(A, seen)[1] == 20_000


def test_answers_are_as_long_as_they_were() -> None:
    sizes = TokenSizes()
    assert sizes.answer_tokens("auto", 7) == USUAL_OUTPUT_TOKENS
    for _ in range(50):
        sizes.learn_output(A, "auto", 7, 1000, (1000, 0))
        sizes.learn_output(A, "auto", 8, 50, (50, 0))
    assert sizes.answer_tokens("auto", 7) > 800
    assert sizes.answer_tokens("auto", 8) < 200
    assert 200 < sizes.answer_tokens("auto", None) < 800
    assert sizes.answer_tokens("smart", 7) == USUAL_OUTPUT_TOKENS


def test_thinking_that_is_billed_is_learned_per_offer() -> None:
    sizes = TokenSizes()
    for _ in range(20):
        sizes.learn_output(A, "auto", None, 100, (400, 300))
    assert sizes.output_times(A) == pytest.approx(4)
    assert sizes.output_times(B) == 1


def test_what_was_not_reported_teaches_nothing() -> None:
    sizes = TokenSizes()
    sizes.learn_input(A, PROSE, 0)
    sizes.learn_output(A, "auto", None, 0, (100, 0))
    assert sizes.input_tokens(A, PROSE)[0] == PROSE.tokens
    assert sizes.output_times(A) == 1
