"""Records of questions: made from messages, and claimed for one ask at a time."""

from functools import partial

from telegram import Message

from bot.context import Context, thread_of
from bot.updates.merging import ALBUM, PARTS
from storage.database.connection import Connection
from storage.database.write_queue import SyncedLater
from storage.telegram import questions
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Begun, Place, QuestionRecord, QuestionState


def place_of(message: Message, context: Context) -> Place:
    """Return the place of a message; for an album or a joined paste with the ids of its other messages."""
    album = [each["message_id"] for each in message.api_kwargs.get(ALBUM, ())]
    more = tuple(album or message.api_kwargs.get(PARTS, ()))
    return Place(context.services.bot_id, message.chat.id, thread_of(message) or 0, message.message_id, more)


async def store(context: Context, message: Message, content: QuestionContent) -> QuestionRecord | None:
    """Return the record of this message, ready to be asked.

    None: the message was received before, in another update.
    """
    tenant_id, place = (await context.state()).id, place_of(message, context)
    return await context.services.db.write(lambda conn: _store(conn, context, tenant_id, place, content))


async def store_and_begin(
    context: Context, message: Message, content: QuestionContent
) -> tuple[Begun, QuestionRecord | None]:
    """Store the record of this message and begin its first ask, in one transaction.

    It is synced with the hold: after a loss of power the update is handled again. USED: the message was received
    before, in another update.
    """
    tenant_id, place = (await context.state()).id, place_of(message, context)
    ask = Ask(context.request_id)

    def unit(conn: Connection) -> tuple[Begun, QuestionRecord | None]:
        record = _store(conn, context, tenant_id, place, content)
        if record is None:
            return Begun.USED, None
        return questions.begin_locked(conn, record, ask, context.services.clock.now())

    return await context.services.db.write(SyncedLater(unit))


async def begin(context: Context, question_id: int, ask: Ask) -> tuple[Begun, QuestionRecord | None]:
    """Begin an ask of the user's own question. Another user's question counts as gone."""
    tenant_id, now = (await context.state()).id, context.services.clock.now()

    def unit(conn: Connection) -> tuple[Begun, QuestionRecord | None]:
        known = questions.find(conn, question_id)
        if known is None or known.tenant_id != tenant_id:
            return Begun.GONE, None
        return questions.begin(conn, question_id, ask, now)

    return await context.services.db.write(unit)


async def end(context: Context, record: QuestionRecord, state: QuestionState, error: str = "") -> None:
    """End an ask that brought no answer."""
    assert record.request_id is not None
    unit = partial(
        questions.end,
        question_id=record.id,
        request_id=record.request_id,
        state=state,
        error=error,
        now=context.services.clock.now(),
    )
    await context.services.db.write(unit)


def _store(
    conn: Connection, context: Context, tenant_id: int, place: Place, content: QuestionContent
) -> QuestionRecord | None:
    update_id, now = int(context.request_id.rpartition(":")[2]), context.services.clock.now()
    known = questions.of_message(conn, place)
    if known is not None and known.update_id != update_id:
        return None
    return questions.store(conn, tenant_id, place, content, now, update_id=update_id)
