from typing import Any

from bot.context import Context
from bot.questions import records
from bot.updates.merging import ALBUM
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Begun, QuestionState
from tests.bot.contexts import context_of, private_message
from tests.journeys.conftest import ANN, BAO, Journey


def asked(journey: Journey, user: int = ANN, more: dict[str, Any] | None = None) -> Context:
    return context_of(journey, private_message(user=user) | (more or {}))


async def test_album_has_the_ids_of_all_its_messages(journey: Journey) -> None:
    context = asked(journey, more={ALBUM: [{"message_id": 6}, {"message_id": 7}]})
    assert context.incoming is not None
    assert context.incoming.message is not None
    place = records.place_of(context.incoming.message, context)
    assert (place.message_id, place.more_message_ids) == (5, (6, 7))


async def test_question_is_begun_by_its_owner_only(journey: Journey) -> None:
    context = asked(journey)
    assert context.incoming is not None
    assert context.incoming.message is not None
    begun, record = await records.store_and_begin(context, context.incoming.message, QuestionContent("hello"))
    assert begun is Begun.BEGUN
    assert record is not None
    await records.end(context, record, QuestionState.FAILED, "NoProvider")
    assert await records.begin(asked(journey, BAO), record.id, Ask("tg:1:9")) == (Begun.GONE, None)
    assert (await records.begin(context, 404, Ask("tg:1:9")))[0] is Begun.GONE
    begun, again = await records.begin(context, record.id, Ask("tg:1:9"))
    assert begun is Begun.BEGUN
    assert again is not None
    assert again.state is QuestionState.ASKING
