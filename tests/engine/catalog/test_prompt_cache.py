import pytest
from msgspec.structs import replace

from engine.catalog.offers import Offer
from engine.catalog.prompt_cache import GAP_SECONDS, OfferHits, PromptCache, gap_class, prefix_hashes
from engine.chat import ChatRequest, Image, Message, Options, Role, Text, Tool, ToolCall, says

DEEPSEEK, OPENAI, OTHER = Offer("deepseek", "v4"), Offer("openai", "m"), Offer("mybox", "m")
FIRST = (says(Role.USER, "one " * 2000),)
SECOND = (*FIRST, says(Role.ASSISTANT, "yes"), says(Role.USER, "and then?"))
SHORT, MEDIUM, LONG, FOREVER = ((1.0, 0, 0, 0), (0, 1.0, 0, 0), (0, 0, 1.0, 0), (0, 0, 0, 1.0))


def request(messages: tuple[Message, ...], conversation: str = "c") -> ChatRequest:
    return ChatRequest("1", "auto", messages, conversation=conversation)


def sent(offer: Offer, tokens: int = 2000) -> PromptCache:
    prefixes = PromptCache()
    prefixes.sent(request(FIRST), offer, tokens, 0, now=0)
    return prefixes


def test_nine_tenths_of_a_sent_prompt_are_expected_to_be_cached() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), DEEPSEEK, now=60) == 1800


def test_prompt_is_not_cached_at_another_provider() -> None:
    assert sent(DEEPSEEK).cached_tokens(request(SECOND), OPENAI, now=60) == 0


def test_changed_conversation_is_not_cached() -> None:
    other = (says(Role.USER, "two " * 2000), *SECOND[1:])
    assert sent(DEEPSEEK).cached_tokens(request(other), DEEPSEEK, now=1) == 0


@pytest.mark.parametrize(
    ("provider", "seconds", "least_tokens"),
    [
        ("deepseek", 3600, 64),
        ("openai", 300, 1024),
        ("gemini", 300, 1024),
        ("openrouter", 300, 1024),
        ("groq", 300, 1024),
        ("mybox", 300, 1024),
    ],
)
def test_each_provider_has_its_lifetime_and_minimum(provider: str, seconds: int, least_tokens: int) -> None:
    offer = Offer(provider, "m")
    assert sent(offer, least_tokens).cached_tokens(request(SECOND), offer, now=seconds) == int(0.9 * least_tokens)
    assert sent(offer, least_tokens).cached_tokens(request(SECOND), offer, now=seconds + 0.5) == 0
    assert sent(offer, least_tokens - 1).cached_tokens(request(SECOND), offer, now=seconds) == 0


def test_lifetime_counts_from_the_last_prompt() -> None:
    prefixes = PromptCache()
    prefixes.sent(request(FIRST), DEEPSEEK, 2000, 0, now=9000)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=12_600) == 1800
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=12_601) == 0


def test_gaps_are_classed_by_their_upper_ends() -> None:
    assert [gap_class(seconds) for seconds in (0, 60, 61, 300, 301, 3600, 3601)] == [0, 0, 1, 1, 2, 2, 3]
    assert len(GAP_SECONDS) == 3


def test_one_report_weighs_half_of_the_first_guess() -> None:
    prefixes = sent(DEEPSEEK)
    prefixes.sent(request(FIRST), DEEPSEEK, 2000, 1000, now=1)
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=2) == int(2000 * (2 * 0.9 + 0.5) / 3)


def test_reports_over_the_whole_prompt_count_as_the_whole() -> None:
    prefixes = sent(DEEPSEEK)
    prefixes.sent(request(SECOND), DEEPSEEK, 2100, 5000, now=1)
    assert prefixes.hits(DEEPSEEK, 1).share(SHORT) == pytest.approx((2 * 0.9 + 1) / 3)


def test_misses_lower_the_expectation_and_hits_raise_it_again() -> None:
    hits = OfferHits.of("deepseek")
    for _ in range(50):
        hits.learn(0, 0.0, 1)
    assert hits.share(SHORT) < 0.05
    for _ in range(100):
        hits.learn(0, 1.0, 1)
    assert hits.share(SHORT) > 0.8


def test_misses_after_short_gaps_are_expected_after_longer_ones_too() -> None:
    hits = OfferHits.of("deepseek")
    for _ in range(50):
        hits.learn(0, 0.0, 1)
    assert hits.share(LONG) < 0.05


def test_hits_beyond_the_known_lifetime_are_learned() -> None:
    hits = OfferHits.of("openai")
    assert [round(hits.share(gaps), 2) for gaps in (SHORT, MEDIUM, LONG, FOREVER)] == [0.9, 0.9, 0, 0]
    for _ in range(20):
        hits.learn(2, 1.0, 1)
    assert hits.share(LONG) > 0.9
    assert hits.share(FOREVER) == 0


def test_share_of_a_mixture_of_gaps_is_the_weighted_mean() -> None:
    assert OfferHits.of("openai").share((0.25, 0.25, 0.5, 0.0)) == pytest.approx(0.45)


def test_misses_of_prompts_below_the_minimum_teach_nothing() -> None:
    prefixes = sent(OPENAI, 1023)
    prefixes.sent(request(FIRST), OPENAI, 1023, 0, now=1)
    assert prefixes.hits(OPENAI, 2).share(SHORT) == 0.9


def test_hit_of_a_prompt_below_the_minimum_lowers_the_minimum() -> None:
    prefixes = sent(OPENAI, 500)
    prefixes.sent(request(FIRST), OPENAI, 500, 448, now=1)
    assert prefixes.hits(OPENAI, 2).least_tokens == 500
    assert prefixes.cached_tokens(request(SECOND), OPENAI, now=2) > 400


def test_changed_conversation_says_nothing_about_hits() -> None:
    prefixes = sent(DEEPSEEK)
    prefixes.sent(request((says(Role.USER, "two " * 2000),)), DEEPSEEK, 2000, 0, now=1)
    assert prefixes.hits(DEEPSEEK, 1).share(SHORT) == 0.9


def test_reports_are_forgotten_six_hours_after_the_last_one() -> None:
    prefixes = sent(OTHER)
    prefixes.sent(request(FIRST), OTHER, 2000, 0, now=10)
    assert prefixes.hits(OTHER, 10 + 6 * 3600).share(SHORT) == pytest.approx(0.6)
    assert prefixes.hits(OTHER, 11 + 6 * 3600).share(SHORT) == 0.9


def test_conversation_is_forgotten_after_ten_thousand_others_unless_it_is_used() -> None:
    prefixes = PromptCache()
    for number in (*range(5_000), 0, *range(5_000, 9_998)):
        prefixes.sent(request(FIRST, f"c{number}"), DEEPSEEK, 2000, 2000, now=0)
    assert prefixes.cached_tokens(request(SECOND, "c1"), DEEPSEEK, now=1) > 0
    prefixes.sent(request(FIRST, "c9998"), DEEPSEEK, 2000, 2000, now=0)
    assert prefixes.cached_tokens(request(SECOND, "c1"), DEEPSEEK, now=1) == 0
    assert prefixes.cached_tokens(request(SECOND, "c0"), DEEPSEEK, now=1) > 0
    assert prefixes.cached_tokens(request(SECOND, "c5000"), DEEPSEEK, now=1) > 0


def test_one_miss_does_not_end_the_hope_for_hits_and_many_do() -> None:
    gaps, hoped = (1.0, 0.0, 0.0, 0.0), []
    hits = OfferHits.of("deepseek")
    assert hits.hope(gaps) == pytest.approx(0.9)
    for _ in range(12):
        hits.learn(0, 0.0, 0.0)
        hoped.append(hits.hope(gaps))
    assert hoped[0] > 0.8
    assert 0.25 < hoped[4] < 0.5
    assert hoped[11] < 0.25
    assert all(hope > share for hope, share in zip(hits.hoped[:3], hits.shares[:3], strict=True))


def test_hope_is_never_above_the_first_guess_where_hits_were_reported_below_it() -> None:
    hits = OfferHits.of("deepseek")
    for _ in range(3):
        hits.learn(0, 0.85, 0.0)
    assert hits.hope((1.0, 0.0, 0.0, 0.0)) == pytest.approx(0.9)
    for _ in range(50):
        hits.learn(0, 1.0, 0.0)
    assert 0.98 < hits.hope((1.0, 0.0, 0.0, 0.0)) <= 1


def test_hope_for_hits_is_not_part_of_the_cost_of_this_turn() -> None:
    hits = OfferHits.of("deepseek")
    hits.learn(0, 0.0, 0.0)
    assert hits.shares[0] == pytest.approx(0.6)


def test_continued_prompts_are_those_that_the_request_begins_with() -> None:
    prefixes = sent(DEEPSEEK)
    other = (says(Role.USER, "two " * 2000), *SECOND[1:])
    prefixes.sent(request(other), OPENAI, 2000, 0, now=1)
    assert set(prefixes.continued(request(SECOND))) == {DEEPSEEK}
    assert set(prefixes.continued(request(other))) == {OPENAI}
    assert prefixes.continued(request(SECOND, "another")) == {}


def test_forgotten_reports_are_forgotten_in_place() -> None:
    prefixes = PromptCache()
    hits, fresh = prefixes.hits(DEEPSEEK, 0), OfferHits.of("deepseek")
    hits.learn(0, 0.0, 0)
    assert hits.shares != fresh.shares
    assert prefixes.hits(DEEPSEEK, 6 * 3600 + 1) is hits
    assert (hits.shares, hits.hoped, hits.at) == (fresh.shares, fresh.hoped, 6 * 3600 + 1)


@pytest.mark.parametrize(
    "other",
    [
        (says(Role.USER, "one"), says(Role.ASSISTANT, "b")),
        (says(Role.USER, "on"), says(Role.ASSISTANT, "e" + "a")),
        (says(Role.USER, "one"), Message(Role.ASSISTANT, (Text("a"), Text("")))),
        (says(Role.USER, "one"), Message(Role.ASSISTANT, (Text("a"),), (ToolCall("1", "find", "{}"),))),
        (says(Role.USER, "one"), Message(Role.ASSISTANT, (Text("a"),), tool_call_id="1")),
        (says(Role.USER, "one"), Message(Role.ASSISTANT, (Image("a"),))),
        (says(Role.USER, "one"), says(Role.SYSTEM, "a")),
        (says(Role.SYSTEM, "one"), says(Role.ASSISTANT, "a")),
        (says(Role.USER, "one"), Message(Role.ASSISTANT, (Text("a"),), name="n")),
    ],
)
def test_messages_of_other_content_have_another_hash(other: tuple[Message, ...]) -> None:
    known = (says(Role.USER, "one"), says(Role.ASSISTANT, "a"))
    assert prefix_hashes(known) == prefix_hashes((says(Role.USER, "one"), says(Role.ASSISTANT, "a")))
    assert prefix_hashes(known)[1] != prefix_hashes(other)[1]


def test_shorter_request_is_cached_as_far_as_it_goes() -> None:
    prefixes = PromptCache()
    prefixes.sent(request(SECOND), DEEPSEEK, 2000, 0, now=0)
    assert 1700 < prefixes.cached_tokens(request(FIRST), DEEPSEEK, now=1) < 1800
    assert prefixes.cached_tokens(request(SECOND), DEEPSEEK, now=1) == 1800


OTHER_OPTIONS = (
    Options(tools=(Tool("f"),)),
    Options(tools=(Tool("g"),)),
    Options(tools=(Tool("f", "d"),)),
    Options(tools=(Tool("f", parameters={"type": "object"}),)),
    Options(response_format={"type": "json_object"}),
)


@pytest.mark.parametrize("options", OTHER_OPTIONS)
def test_miss_of_a_request_with_other_tools_says_nothing_about_the_offer(options: Options) -> None:
    """One tenant could teach the misses of such requests, and drive all others away from the offer."""
    prefixes = PromptCache()
    before = prefixes.hits(DEEPSEEK, 0).shares
    for turn in range(20):
        each = replace(options, tools=(*options.tools, Tool(f"t{turn}")))
        asked = ChatRequest("1", "auto", FIRST, options=each, conversation="c")
        assert prefixes.cached_tokens(asked, DEEPSEEK, now=turn) == 0
        prefixes.sent(asked, DEEPSEEK, 2000, 0, now=turn)
    assert prefixes.hits(DEEPSEEK, 0).shares == before


def test_same_tools_continue_a_prompt() -> None:
    prefixes = PromptCache()
    for options in OTHER_OPTIONS:
        prefixes.sent(ChatRequest("1", "auto", FIRST, options=options, conversation="c"), DEEPSEEK, 2000, 0, now=0)
        asked = ChatRequest("2", "auto", SECOND, options=options, conversation="c")
        assert prefixes.cached_tokens(asked, DEEPSEEK, now=1) > 1000
