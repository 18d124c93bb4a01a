"""Questions from chats that the bot is not in, over the whole program."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.money import Money
from sandbox.app import Sandbox
from sandbox.telegram.outside import inline
from storage.ledger import transfers
from storage.tenants import tenants
from tests.journeys.conftest import ANN, CONFIG, Journey, started

QUESTION = "@farthing_sandbox_bot How tall is Everest?"


@pytest.fixture
async def journey(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Journey]:
    """Yield a journey. The parameter is the mode and, after a comma, how people get access."""
    mode, _, access = request.param.partition(",")
    config = f'{CONFIG}\n[groups]\noutside = "{mode}"\n[access]\nmode = "{access or "open"}"\n'
    async with Sandbox(word_seconds=0.0) as sandbox, started(tmp_path, sandbox, config) as running:
        yield running


GUEST = pytest.mark.parametrize("journey", ["guest"], indirect=True)
INLINE = pytest.mark.parametrize("journey", ["inline"], indirect=True)
CLOSED = pytest.mark.parametrize("journey", ["guest,approval", "inline,invite"], indirect=True)
OFF = pytest.mark.parametrize("journey", ["off"], indirect=True)


def outside(journey: Journey) -> list[str]:
    """Return the texts of the messages in chats that the bot is not in."""
    return [str(each["text"]) for each in journey.sandbox.world.outside.values()]


async def charged(journey: Journey) -> int:
    return len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'"))


def sent(journey: Journey) -> list[str]:
    return [name for name, _ in journey.sandbox.world.calls if name.lower() == "sendmessage"]


@GUEST
async def test_guests_mention_is_answered_in_its_message_and_billed_to_the_sender(journey: Journey) -> None:
    inline.call_as_guest(journey.sandbox.world, ANN, QUESTION)
    await journey.idle()
    (text,) = outside(journey)
    assert "stand-in" in text
    assert await charged(journey) == 1
    assert sent(journey) == []
    assert await journey.rows("SELECT * FROM messages") == []
    await journey.check_books()


@OFF
async def test_nothing_is_answered_where_the_operator_has_not_switched_it_on(journey: Journey) -> None:
    world = journey.sandbox.world
    inline.call_as_guest(world, ANN, QUESTION)
    query = inline.type_inline(world, ANN, "How tall is Everest?")
    await journey.idle()
    assert outside(journey) == []
    assert world.outside_queries[query]["results"] == []
    assert await charged(journey) == 0


@INLINE
async def test_typing_calls_no_model_and_the_chosen_result_is_answered(journey: Journey) -> None:
    world = journey.sandbox.world
    for text in ("", "How", "How tall is Everest?"):
        query = inline.type_inline(world, ANN, text)
        await journey.idle()
    assert await journey.rows("SELECT * FROM attempts") == []
    inline.choose(world, query, "How tall is Everest?")
    await journey.idle()
    assert "stand-in" in outside(journey)[0]
    assert (await charged(journey), sent(journey)) == (1, [])
    (answered,) = [params for name, params in world.calls if name == "answerInlineQuery" and "ask" in str(params)][-1:]
    assert answered["is_personal"] in (True, "true")


@GUEST
async def test_refused_question_says_so_without_figures(journey: Journey) -> None:
    await journey.ask("/start")
    state = await journey.container.db.read(lambda conn: tenants.by_telegram(conn, ANN))
    assert state is not None
    await journey.container.db.write(
        lambda conn: conn.run("UPDATE accounts SET allowance_tokens = 0 WHERE tenant_id = :id", id=state.id)
    )
    inline.call_as_guest(journey.sandbox.world, ANN, QUESTION)
    await journey.idle()
    assert outside(journey) == [
        "This question was not answered, and nothing was charged. My private chat says why: try it there."
    ]
    assert await charged(journey) == 0


@CLOSED
async def test_stranger_is_told_to_open_the_private_chat_and_no_model_is_called(journey: Journey) -> None:
    world = journey.sandbox.world
    inline.call_as_guest(world, ANN, QUESTION)
    query = inline.type_inline(world, ANN, "How tall is Everest?")
    await journey.idle()
    if world.outside_queries[query]["results"]:
        inline.choose(world, query, "How tall is Everest?")
    await journey.idle()
    (text,) = outside(journey)
    assert "was not answered" in text
    assert await journey.rows("SELECT * FROM holds") == []


@GUEST
async def test_other_bots_mention_is_not_answered(journey: Journey) -> None:
    world = journey.sandbox.world
    world.users[ANN]["is_bot"] = True
    inline.call_as_guest(world, ANN, QUESTION)
    await journey.idle()
    assert outside(journey) == []
    assert await journey.rows("SELECT * FROM holds") == []


@INLINE
async def test_answer_whose_message_is_gone_goes_to_the_sender_or_is_given_back(journey: Journey) -> None:
    world = journey.sandbox.world
    for is_blocked in (False, True):
        query = inline.type_inline(world, ANN, "How tall is Everest?")
        await journey.idle()
        if is_blocked:
            world.blocked.add(ANN)
        name = inline.choose(world, query, "How tall is Everest?")
        del world.outside[name]
        await journey.idle()
    assert len([m for m in world.messages(ANN) if "stand-in" in m.get("text", "")]) == 1
    assert len(await journey.rows("SELECT * FROM returned_charges")) == 1
    await journey.check_books()


@GUEST
async def test_answer_over_ones_limit_is_not_begun(journey: Journey) -> None:
    await journey.ask("/start")
    state = await journey.container.db.read(lambda conn: tenants.by_telegram(conn, ANN))
    assert state is not None
    now = journey.container.clock.now()
    await journey.container.db.write(
        lambda conn: transfers.credit(conn, state.id, Money.usd("1"), ref="g", reason="g", now=now)
    )
    await journey.ask("/limit 0.0001¢")
    inline.call_as_guest(journey.sandbox.world, ANN, QUESTION)
    await journey.idle()
    assert "was not answered" in outside(journey)[0]
    assert await charged(journey) == 0
