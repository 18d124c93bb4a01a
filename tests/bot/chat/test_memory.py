from datetime import UTC, datetime
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.memory import (
    MOST_TURN_CHARS,
    _line,
    first_turn,
    input_limit_tokens,
    latest_lines,
    latest_turns,
    tokens_of,
)
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer
from engine.catalog.price_book import PriceBook
from engine.catalog.token_counts import estimate_text
from engine.chat import Message, Role, says
from engine.tenancy import Markup
from storage.telegram import conversations
from storage.telegram.conversations import StoredTurn
from storage.tenants import tenant_settings
from tests.journeys.conftest import ANN, BAO, Journey

LONG = "please tell me at length about the sea"
QUESTION = says(Role.USER, "and now?")


def turns(sizes: list[int]) -> list[StoredTurn]:
    return [
        StoredTurn(number, says(Role.ASSISTANT if number % 2 else Role.USER, "x" * size), size)
        for number, size in enumerate(sizes)
    ]


@given(st.lists(st.integers(1, 9000), max_size=140), st.sampled_from([0, 10, 60]), st.sampled_from([None, 500, 9000]))
def test_turns_that_are_kept_fit_and_begin_with_a_question(sizes: list[int], most: int, limit: int | None) -> None:
    found = turns(sizes)
    first = first_turn(found, QUESTION, most, limit)
    kept = found[first:]
    assert 0 <= first <= len(found)
    assert len(kept) <= most
    assert not kept or kept[0].message.role is Role.USER
    assert len(kept) <= 2 or sum(turn.chars for turn in kept) <= conversations.MOST_CHARS


def test_user_without_memory_has_no_turns() -> None:
    assert first_turn(turns([1, 1]), QUESTION, 0, None) == 2


def test_long_turn_is_cut_for_the_summary() -> None:
    assert _line(says(Role.USER, "x" * 9000)) == f"User: {'x' * MOST_TURN_CHARS}"
    assert _line(Message(Role.ASSISTANT, ())) == "Assistant: "


async def old_turns(journey: Journey, user: int, number: int) -> None:
    """Add exchanges of about 700 characters each to a user's conversation."""
    turn = [says(Role.USER, "the sea is wide " * 20), says(Role.ASSISTANT, "and the night is long " * 16)]
    (row,) = await journey.rows("SELECT id FROM tenants WHERE telegram_user_id = :id", id=user)
    for each in range(number):
        unit = partial(conversations.append, chat_id=user, thread_id=0, tenant_id=row["id"], said=turn)
        unit = partial(unit, request_id=f"old:{each}", now=journey.container.clock.now())
        await journey.container.db.write(unit)


async def calls(journey: Journey) -> list[str]:
    rows = await journey.rows("SELECT request_id FROM attempts WHERE kept ORDER BY id")
    return ["summary" if row["request_id"].endswith(":summary") else "answer" for row in rows]


@pytest.mark.parametrize("user", [ANN, BAO])
async def test_long_conversation_is_summarised_once_charged_and_told(journey: Journey, user: int) -> None:
    await journey.ask("/start", user)
    await old_turns(journey, user, 40)
    answers = [await journey.ask(LONG, user) for _ in range(2)]
    await journey.idle()
    assert ["📝" in answer for answer in answers] == [True, False]
    assert await calls(journey) == ["summary", "answer", "answer"]
    (conversation,) = await journey.rows("SELECT * FROM conversations")
    assert "stand-in" in conversation["summary"]
    inputs = await journey.rows(
        "SELECT input_tokens AS n FROM attempts WHERE request_id NOT LIKE '%:summary' ORDER BY id"
    )
    assert all(row["n"] < 8000 for row in inputs)
    await journey.check_books()


async def test_summary_over_the_users_own_limit_is_not_made(journey: Journey) -> None:
    await journey.ask("/limit 0.001¢")
    await old_turns(journey, ANN, 40)
    assert "Nothing was spent" in await journey.ask(LONG)
    await journey.idle()
    assert await journey.rows("SELECT * FROM attempts") == []
    await journey.press("Go on")
    await journey.idle()
    assert (await calls(journey))[-1] == "answer"
    await journey.check_books()


async def test_failed_summary_leaves_the_oldest_out_and_is_made_with_the_next_question(journey: Journey) -> None:
    await journey.ask("/start")
    await old_turns(journey, ANN, 40)
    journey.sandbox.stand_ins.set_mode("deepseek", "once:moderated")
    answers = [await journey.ask(LONG) for _ in range(2)]
    await journey.idle()
    assert [("oldest messages are left out" in answer, "📝" in answer) for answer in answers] == [
        (True, False),
        (False, True),
    ]
    assert await calls(journey) == ["answer", "summary", "answer"]
    await journey.check_books()


@given(st.lists(st.text("ab ", min_size=1, max_size=90), max_size=30), st.integers(0, 300))
def test_last_lines_within_the_limit_are_summarised(lines: list[str], most: int) -> None:
    kept = latest_lines(lines, most)
    assert kept == lines[len(lines) - len(kept) :]
    assert sum(map(estimate_text, kept)) <= most
    assert len(kept) == len(lines) or sum(map(estimate_text, lines[-len(kept) - 1 :])) > most


async def test_user_who_wants_a_short_memory_gets_no_summary(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.container.db.write(lambda conn: tenant_settings.set_setting(conn, 1, "memory", 10))
    await old_turns(journey, ANN, 40)
    await journey.ask(LONG)
    await journey.idle()
    assert await calls(journey) == ["answer"]


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHORT, LARGE, LAST, UNKNOWN = (Offer(name, "m") for name in ("short", "long", "last", "unknown"))
TEXTS = st.lists(st.text("ab é", min_size=1, max_size=400), max_size=40)


def messages(texts: list[str]) -> list[Message]:
    return [says(Role.ASSISTANT if number % 2 else Role.USER, text) for number, text in enumerate(texts)]


def catalog(*offers: Offer) -> Catalog:
    model = Model("auto", offers, Markup(Fraction(1)), frozenset({LAST}))
    contexts = {"short/m": 4000, "long/m": 100_000, "last/m": 1_000_000}
    return Catalog({"auto": model}, PriceBook({}, {}, frozenset()), lambda name: name != "off", contexts=contexts)


@given(TEXTS, st.integers(0, 4000))
def test_kept_turns_fit_and_are_the_latest(texts: list[str], limit: int) -> None:
    past, asked = messages(texts), says(Role.USER, "and now?")
    kept = latest_turns(past, asked, limit)
    assert list(kept) == past[len(past) - len(kept) :]
    assert not kept or kept[0].role is Role.USER
    assert not kept or sum(map(tokens_of, (*kept, asked))) <= limit


@given(TEXTS)
def test_all_turns_are_kept_if_they_fit(texts: list[str]) -> None:
    past = messages(texts)
    assert list(latest_turns(past, says(Role.USER, "x"), 10**6)) == past


def test_kept_turns_begin_alike_for_several_questions() -> None:
    past, asked = messages(["word " * 100] * 200), says(Role.USER, "and now?")
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
