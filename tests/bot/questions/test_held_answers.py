"""Answers set aside are offered to their asker alone, and sent once."""

import json

from storage.telegram import outbox
from tests.journeys.conftest import ANN, BAO, Journey, words

REQUEST = "tg:424242:7"


async def keep(journey: Journey, user: int) -> None:
    message: dict[str, object] = {
        "text": "the kept answer",
        "entities": [],
        "thread_id": None,
        "reply_to": None,
        "edit": None,
    }
    now, db = journey.container.market.clock.now(), journey.container.db
    await db.write(
        lambda conn: outbox.put(conn, REQUEST, user, [json.dumps(message)], "dead", now, user_id=user, shown=True)
    )
    await db.write(lambda conn: outbox.hold(conn, REQUEST))


async def test_kept_answer_is_offered_at_the_start_and_sent_once(journey: Journey) -> None:
    await keep(journey, ANN)
    journey.sandbox.world.say(ANN, ANN, "/start")
    await journey.sandbox.world.wait_message(ANN, lambda message: "could not be delivered" in message.get("text", ""))
    await journey.press("Send it again")
    await journey.sandbox.world.wait_message(ANN, lambda message: message.get("text") == "the kept answer")
    await journey.press("Send it again")
    await journey.sandbox.world.wait_message(ANN, lambda message: "sent already" in message.get("text", ""))
    texts = [message.get("text") for message in journey.sandbox.world.messages(ANN)]
    assert texts.count("the kept answer") == 1


async def test_kept_answer_of_another_user_is_not_offered(journey: Journey) -> None:
    await keep(journey, BAO)
    await journey.ask("/start")
    await journey.ask("/help")
    assert not any("could not be" in message.get("text", "") for message in journey.sandbox.world.messages(ANN))


async def test_question_whose_answer_could_not_be_sent_is_offered_after_unblocking(journey: Journey) -> None:
    world = journey.sandbox.world
    await journey.ask("/start")
    journey.sandbox.world.blocked.add(ANN)
    world.say(ANN, ANN, "How tall is Everest?")
    await journey.idle()
    world.unblock(ANN)
    await journey.idle()
    told = words(world.messages(ANN)[-1])
    assert told == "I could not send you the answer to “How tall is Everest?”. Nothing was charged."
    await journey.press("Ask again")
    await journey.idle()
    assert "stand-in" in words(world.messages(ANN)[-1])
    shown = len(world.messages(ANN))
    world.unblock(ANN)
    await journey.idle()
    assert len(world.messages(ANN)) == shown
    await journey.check_books()
