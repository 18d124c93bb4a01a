"""Answers set aside are offered to their asker alone, and sent once."""

import json

from storage.telegram import outbox
from tests.journeys.conftest import ANN, BAO, Journey

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
