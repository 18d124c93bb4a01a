import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.answer_lengths import USUAL_OUTPUT_TOKENS
from engine.catalog.offers import Offer
from engine.catalog.token_counts import LONG_TOKENS, Measure, measure, unlearned_hold_tokens
from engine.catalog.token_sizes import SAMPLES_TO_HOLD, ThinkingSpeeds, TokenSizes
from engine.chat import ChatRequest, Image, Message, Role, Text, says

A, B = Offer("a", "m"), Offer("b", "m")


def asks(text: str) -> Measure:
    return measure(ChatRequest("1", "auto", (says(Role.USER, text),)))


PROSE = asks("How high is the mountain, and who has climbed it? " * 20)
VIETNAMESE = asks("Ngọn núi ấy cao bao nhiêu, và ai đã leo lên đó? " * 20)


def test_without_samples_the_estimate_and_the_bytes_are_used() -> None:
    assert TokenSizes().input_tokens(TokenSizes().of(A), PROSE) == (PROSE.tokens, PROSE.most_tokens)


def test_tokenizer_of_an_offer_is_learned_by_script() -> None:
    sizes = TokenSizes()
    for _ in range(200):
        sizes.learn_input(A, VIETNAMESE, round(VIETNAMESE.tokens * 1.6))
        sizes.learn_input(B, VIETNAMESE, VIETNAMESE.tokens)
    assert sizes.input_tokens(sizes.of(A), VIETNAMESE)[0] > VIETNAMESE.tokens * 1.5
    assert sizes.input_tokens(sizes.of(B), VIETNAMESE)[0] < VIETNAMESE.tokens * 1.1
    assert sizes.input_tokens(sizes.of(A), PROSE)[0] == PROSE.tokens


def test_untried_offer_counts_as_the_others_do() -> None:
    sizes = TokenSizes()
    for _ in range(3):
        sizes.learn_input(A, PROSE, PROSE.tokens * 3)
        sizes.learn_output(A, "auto", None, 20, (500, 0))
    assert sizes.input_tokens(sizes.of(B), PROSE)[0] == sizes.input_tokens(sizes.of(A), PROSE)[0] == PROSE.tokens * 3
    assert sizes.output_times(sizes.of(B)) == pytest.approx(sizes.output_times(sizes.of(A)))


def test_hold_is_below_the_bytes_only_after_enough_samples() -> None:
    sizes = TokenSizes()
    for _ in range(SAMPLES_TO_HOLD - 1):
        sizes.learn_input(A, PROSE, PROSE.tokens)
    assert sizes.input_tokens(sizes.of(A), PROSE)[1] == PROSE.most_tokens
    sizes.learn_input(A, PROSE, PROSE.tokens)
    assert PROSE.tokens < sizes.input_tokens(sizes.of(A), PROSE)[1] < PROSE.most_tokens


@given(st.lists(st.floats(0.2, 4), min_size=SAMPLES_TO_HOLD, max_size=SAMPLES_TO_HOLD + 50))
def test_hold_covers_the_reported_maximum_and_never_exceeds_the_bytes(ratios: list[float]) -> None:
    sizes = TokenSizes()
    for ratio in ratios:
        sizes.learn_input(A, PROSE, round(PROSE.tokens * ratio))
    most = sizes.input_tokens(sizes.of(A), PROSE)[1]
    assert min(PROSE.most_tokens, PROSE.tokens * max(ratios)) <= most <= PROSE.most_tokens


def test_hold_for_a_picture_stays_at_the_bound() -> None:
    sizes, seen = TokenSizes(), Measure("plain", 100, 20_000, 80, is_plain=False)
    for _ in range(SAMPLES_TO_HOLD):
        sizes.learn_input(A, PROSE, PROSE.tokens)
    assert sizes.input_tokens(sizes.of(A), seen)[1] == 20_000


def test_answer_length_is_learned_by_tenant_and_model() -> None:
    sizes = TokenSizes()
    assert sizes.answer_tokens("auto", 7) == USUAL_OUTPUT_TOKENS
    for _ in range(50):
        sizes.learn_output(A, "auto", 7, 1000, (1000, 0))
        sizes.learn_output(A, "auto", 8, 50, (50, 0))
    assert sizes.answer_tokens("auto", 7) > 800
    assert sizes.answer_tokens("auto", 8) < 200
    assert 200 < sizes.answer_tokens("auto", None) < 800
    assert sizes.answer_tokens("smart", 7) == USUAL_OUTPUT_TOKENS


def test_billed_thinking_is_learned_by_offer() -> None:
    sizes = TokenSizes()
    for _ in range(20):
        sizes.learn_output(A, "auto", None, 100, (400, 300))
    assert sizes.output_times(sizes.of(A)) == pytest.approx(4)
    assert sizes.output_times(sizes.of(B)) == 1


def test_unreported_usage_teaches_nothing() -> None:
    sizes = TokenSizes()
    sizes.learn_input(A, PROSE, 0)
    sizes.learn_output(A, "auto", None, 0, (100, 0))
    assert sizes.input_tokens(sizes.of(A), PROSE)[0] == PROSE.tokens
    assert sizes.output_times(sizes.of(A)) == 1


def sized(tokens: int) -> Measure:
    return Measure("plain", tokens, 10 * tokens, 80, is_plain=True)


def test_prompt_under_twenty_tokens_teaches_nothing() -> None:
    sizes = TokenSizes()
    sizes.learn_input(A, sized(19), 190)
    assert sizes.input_tokens(sizes.of(A), sized(100))[0] == 100
    sizes.learn_input(A, sized(20), 40)
    assert sizes.input_tokens(sizes.of(A), sized(100))[0] == 200


def test_absurd_reports_are_capped() -> None:
    sizes = TokenSizes()
    sizes.learn_input(A, sized(100), 10**9)
    assert sizes.input_tokens(sizes.of(A), sized(100))[0] == 800
    sizes.learn_output(A, "auto", None, 1, (10**9, 0))
    assert sizes.output_times(sizes.of(A)) == 32


def test_few_samples_of_an_offer_are_blended_with_those_of_all() -> None:
    sizes = TokenSizes()
    for _ in range(20):
        sizes.learn_input(A, sized(100), 100)
    sizes.learn_input(B, sized(100), 400)
    pooled = (20 * 1 + 4) / 21
    assert sizes.input_tokens(sizes.of(B), sized(1000))[0] == round(1000 * (4 + 20 * pooled) / 21)


def test_hold_has_a_margin_of_a_third_and_the_template() -> None:
    sizes = TokenSizes()
    for _ in range(SAMPLES_TO_HOLD):
        sizes.learn_input(A, sized(100), 200)
    assert sizes.input_tokens(sizes.of(A), sized(100)) == (200, 100 * 2 * 1.3 + 80)


def test_answer_that_was_all_thinking_teaches_nothing() -> None:
    sizes = TokenSizes()
    sizes.learn_output(A, "auto", 7, 100, (300, 300))
    assert (sizes.output_times(sizes.of(A)), sizes.answer_tokens("auto", 7)) == (1, USUAL_OUTPUT_TOKENS)


def test_tenants_own_answers_weigh_against_ten_of_all() -> None:
    sizes = TokenSizes()
    for _ in range(5):
        sizes.learn_output(A, "auto", 8, 400, (400, 0))
    sizes.learn_output(A, "auto", 7, 100, (100, 0))
    usual = (5 * 400 + 100) / 6
    assert sizes.answer_tokens("auto", None) == pytest.approx(usual)
    assert sizes.answer_tokens("auto", 7) == pytest.approx((100 + 10 * usual) / 11)


@pytest.mark.parametrize(
    ("estimated", "most", "held"),
    [
        (LONG_TOKENS - 1, 50_000, 50_000),
        (LONG_TOKENS, 50_000, 2 * LONG_TOKENS + 80),
        (LONG_TOKENS, 5_000, 5_000),
    ],
)
def test_only_a_long_text_is_held_by_its_estimate(estimated: int, most: int, held: int) -> None:
    assert unlearned_hold_tokens(Measure("plain", estimated, most, 80, is_plain=True)) == held


TIDE = "The tide comes in and goes out, and the sea stays where it is, more or less.\n"


def held_for(*parts: Text | Image) -> tuple[int, int]:
    size = measure(ChatRequest("r", "auto", (Message(Role.USER, parts),)))
    return TokenSizes().input_tokens(TokenSizes().of(A), size)[1], size.most_tokens


def test_file_of_200_kb_is_held_for_half_its_bytes_without_any_report() -> None:
    tokens, most = held_for(Text(TIDE * 2500))
    assert tokens < most * 0.55
    assert tokens > len(TIDE * 2500) / 4.5 * 1.5


def test_short_text_and_a_text_with_pictures_are_held_for_their_bytes() -> None:
    short, most = held_for(Text(TIDE))
    assert short == most
    with_picture, most = held_for(Text(TIDE * 2500), Image("data:image/png;base64,AA", width=9, height=9))
    assert with_picture == most


def test_input_beyond_its_hold_is_held_by_its_bytes_from_then_on() -> None:
    sizes = TokenSizes()
    for _ in range(SAMPLES_TO_HOLD):
        sizes.learn_input(A, PROSE, PROSE.tokens, 7)
    before = sizes.input_tokens(sizes.of(A), PROSE)
    assert not sizes.is_beyond(8)
    sizes.learn_input(A, PROSE, PROSE.tokens * 3, 8)
    assert (sizes.is_beyond(8), sizes.is_beyond(7), sizes.is_beyond(None)) == (True, False, False)
    assert sizes.counter(PROSE, by_bytes=True).count(sizes.of(A))[1] == PROSE.most_tokens
    assert sizes.input_tokens(sizes.of(A), PROSE)[1] == before[1], "holds of others stay as they are"
    restored = TokenSizes()
    restored.load(sizes.dump())
    assert restored.is_beyond(8)


def test_one_tenant_raises_the_expected_input_of_others_by_no_more_than_the_margin() -> None:
    sizes = TokenSizes()
    for _ in range(SAMPLES_TO_HOLD):
        sizes.learn_input(A, PROSE, PROSE.tokens, 7)
    for ratio in (1.2, 1.29, 1.6, 2, 3, 4, 8) * 200:
        sizes.learn_input(A, PROSE, round(PROSE.tokens * ratio), 8)
    assert sizes.of(A).inputs[PROSE.script].mean.value < 1.31
    assert sizes.input_tokens(sizes.of(A), PROSE)[1] < PROSE.tokens * 1.31 + PROSE.overhead_tokens


def test_input_beyond_the_bytes_says_nothing_about_the_tenant() -> None:
    sizes = TokenSizes()
    sizes.learn_input(A, sized(100), 10**6, 7)
    assert not sizes.is_beyond(7)


def test_thinking_at_one_effort_says_nothing_about_another() -> None:
    """A left answer without a report is charged by the learned share: one tenant's effort must not raise it for all."""
    sizes = TokenSizes()
    sizes.learn_output(A, "auto", 7, 100, (100, 0))
    for _ in range(50):
        sizes.learn_output(A, "auto", 8, 100, (2000, 1900), effort="high")
    assert sizes.thinking_times(A, "high") == 20
    assert sizes.thinking_times(A) == sizes.thinking_times(A, "low") == 1
    assert sizes.output_times(sizes.of(A), "high") > 10 * sizes.output_times(sizes.of(A))
    restored = TokenSizes()
    restored.load(sizes.dump())
    assert (restored.thinking_times(A, "high"), restored.thinking_times(A)) == (20, 1)


def test_share_of_thinking_stored_by_an_earlier_release_is_that_without_an_effort() -> None:
    sizes = TokenSizes()
    sizes.load({**sizes.dump(), "thought": [[A.name, 5.0, 9.0]]})
    assert sizes.thinking_times(A) == 5


def test_reasoning_is_expected_by_the_seconds_before_the_first_token() -> None:
    speeds = ThinkingSpeeds()
    assert speeds.tokens(A, 30) == 0
    speeds.learn(A, 1000, 10)
    speeds.learn(A, 3000, 15)
    assert speeds.tokens(A, 30) == 4500
    assert speeds.tokens(B, 30) == 0


@pytest.mark.parametrize(("tokens", "seconds"), [(0, 10), (1000, 0)])
def test_answer_without_reasoning_or_time_teaches_no_speed(tokens: int, seconds: float) -> None:
    speeds = ThinkingSpeeds()
    speeds.learn(A, tokens, seconds)
    assert speeds.tokens(A, 30) == 0
