from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.context_limits import input_limit_tokens, latest_turns, tokens_of
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer
from engine.catalog.price_book import PriceBook
from engine.chat import Message, Role, says
from engine.tenancy import Markup

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHORT, LARGE, LAST, UNKNOWN = (Offer(name, "m") for name in ("short", "long", "last", "unknown"))
TEXTS = st.lists(st.text("ab é", min_size=1, max_size=400), max_size=40)


def turns(texts: list[str]) -> list[Message]:
    return [says(Role.ASSISTANT if number % 2 else Role.USER, text) for number, text in enumerate(texts)]


def catalog(*offers: Offer) -> Catalog:
    model = Model("auto", offers, Markup(Fraction(1)), frozenset({LAST}))
    contexts = {"short/m": 4000, "long/m": 100_000, "last/m": 1_000_000}
    return Catalog({"auto": model}, PriceBook({}, {}, frozenset()), lambda name: name != "off", contexts=contexts)


@given(TEXTS, st.integers(0, 4000))
def test_kept_turns_fit_and_are_the_latest(texts: list[str], limit: int) -> None:
    past, asked = turns(texts), says(Role.USER, "and now?")
    kept = latest_turns(past, asked, limit)
    assert list(kept) == past[len(past) - len(kept) :]
    assert not kept or kept[0].role is Role.USER
    assert not kept or sum(map(tokens_of, (*kept, asked))) <= limit


@given(TEXTS)
def test_all_turns_are_kept_if_they_fit(texts: list[str]) -> None:
    past = turns(texts)
    assert list(latest_turns(past, says(Role.USER, "x"), 10**6)) == past


def test_kept_turns_begin_alike_for_several_questions() -> None:
    past, asked = turns(["word " * 100] * 200), says(Role.USER, "and now?")
    firsts = [len(past[:n]) - len(latest_turns(past[:n], asked, 4000)) for n in range(2, 200, 2)]
    assert firsts[-1] > 150
    assert len(set(firsts)) <= 16


def test_longest_context_counts_less_the_answer() -> None:
    limit = input_limit_tokens(catalog(SHORT, LARGE), "auto", 8000, NOON)
    assert limit is not None
    assert 60_000 < limit < 92_000


def test_last_resort_does_not_count() -> None:
    limit = input_limit_tokens(catalog(SHORT, LAST), "auto", 1000, NOON)
    assert limit is not None
    assert limit < 4000


def test_unknown_context_sets_no_limit() -> None:
    assert input_limit_tokens(catalog(SHORT, UNKNOWN), "auto", 1000, NOON) is None


def test_output_limit_over_the_context_leaves_input_for_the_question() -> None:
    limit = input_limit_tokens(catalog(SHORT), "auto", 8192, NOON)
    assert limit is not None
    assert limit > 1000
