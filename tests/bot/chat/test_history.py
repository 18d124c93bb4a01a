from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.history import fitted, room_tokens, tokens
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer
from engine.catalog.prices import PriceBook
from engine.chat import Message, Role, says
from engine.tenancy import Markup

SHORT, LONG, LAST, UNKNOWN = (Offer(name, "m") for name in ("short", "long", "last", "unknown"))
TEXTS = st.lists(st.text("ab é", min_size=1, max_size=400), max_size=40)


def turns(texts: list[str]) -> list[Message]:
    return [says(Role.ASSISTANT if number % 2 else Role.USER, text) for number, text in enumerate(texts)]


def catalog(*offers: Offer) -> Catalog:
    model = Model("auto", offers, Markup(Fraction(1)), frozenset({LAST}))
    contexts = {"short/m": 4000, "long/m": 100_000, "last/m": 1_000_000}
    return Catalog({"auto": model}, PriceBook({}, {}, frozenset()), lambda name: name != "off", contexts=contexts)


@given(TEXTS, st.integers(0, 4000))
def test_what_is_kept_fits_and_is_the_latest(texts: list[str], room: int) -> None:
    past, asked = turns(texts), says(Role.USER, "and now?")
    kept = fitted(past, asked, room)
    assert list(kept) == past[len(past) - len(kept) :]
    assert not kept or kept[0].role is Role.USER
    assert not kept or sum(map(tokens, (*kept, asked))) <= room


@given(TEXTS)
def test_where_there_is_room_nothing_is_forgotten(texts: list[str]) -> None:
    past = turns(texts)
    assert list(fitted(past, says(Role.USER, "x"), 10**6)) == past


def test_the_longest_context_counts_and_leaves_room_for_the_answer() -> None:
    room = room_tokens(catalog(SHORT, LONG), "auto", 8000)
    assert room is not None
    assert 60_000 < room < 92_000


def test_a_last_resort_does_not_decide() -> None:
    room = room_tokens(catalog(SHORT, LAST), "auto", 1000)
    assert room is not None
    assert room < 4000


def test_an_unknown_context_sets_no_bound() -> None:
    assert room_tokens(catalog(SHORT, UNKNOWN), "auto", 1000) is None


def test_a_limit_for_answers_longer_than_the_context_leaves_room_for_the_question() -> None:
    room = room_tokens(catalog(SHORT), "auto", 8192)
    assert room is not None
    assert room > 1000
