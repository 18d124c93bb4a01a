"""Questions: one record each, from the message to its current answer. A record is asked once at a time.

waiting (for a button) → asking → answered, cut (stopped by the asker), failed or refused. A later ask without an answer
leaves the record in the state of the current answer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from storage.database.connection import Connection, Row, for_update, moment, ms, row, scalar
from storage.telegram import conversations
from storage.telegram.question_content import QuestionContent


class QuestionState(StrEnum):
    WAITING = "waiting"
    ASKING = "asking"
    ANSWERED = "answered"
    CUT = "cut"
    FAILED = "failed"
    REFUSED = "refused"


class Begun(StrEnum):
    """The result of `begin`: the ask may continue, another is running, its button was used, or the record is gone."""

    BEGUN = "begun"
    BUSY = "busy"
    USED = "used"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Place:
    """The chat and thread of a question, and its messages. `message_id` None: no message asked it."""

    bot_id: int
    chat_id: int
    thread_id: int
    message_id: int | None = None
    more_message_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionRecord:
    """One question. `answers` counts its answers: a button that was made before the latest answer is out of date.

    `model`, `variant`, `agreed_nanousd`, `output_tokens`: as in the last ask; `error`: the reason for having no answer.
    `schedule_id`: the scheduled prompt that it is a run of; 0: none. `update_id`: the update that asked it first.
    """

    id: int
    tenant_id: int
    place: Place
    conversation_id: int
    content: QuestionContent
    state: QuestionState
    model: str
    variant: str
    error: str
    request_id: str | None
    answer_request_id: str | None
    answer_message_ids: tuple[int, ...]
    answers: int
    created_at: datetime
    agreed_nanousd: int = 0
    output_tokens: int = 0
    schedule_id: int = 0
    update_id: int | None = None

    @property
    def is_private(self) -> bool:
        return self.place.chat_id > 0


@dataclass(frozen=True, slots=True)
class Ask:
    """One attempt to get an answer. `answers`: the count when its button was made; None: the current count.

    `agreed_nanousd`: the price that the asker agreed to. `output_tokens`: the limit of a shorter answer. 0: none.
    """

    request_id: str
    model: str = ""
    variant: str = ""
    answers: int | None = None
    agreed_nanousd: int = 0
    output_tokens: int = 0

    @classmethod
    def again(cls, request_id: str, known: QuestionRecord | None, answers: int) -> "Ask":
        """Return an ask with the options of the last one."""
        if known is None:
            return cls(request_id, answers=answers)
        return cls(request_id, known.model, known.variant, answers, known.agreed_nanousd, known.output_tokens)


def store(
    conn: Connection,
    tenant_id: int,
    place: Place,
    content: QuestionContent,
    now: datetime,
    *,
    update_id: int | None = None,
    conversation_id: int | None = None,
    schedule_id: int = 0,
) -> QuestionRecord:
    """Return the record of the question in this update; if there is none, create it in state `waiting`.

    It belongs to the open conversation of its place, unless another one is given.
    """
    conversation = conversation_id or conversations.open_conversation(conn, place.chat_id, place.thread_id, now)
    made = row(
        conn,
        "INSERT INTO questions (bot_id, update_id, tenant_id, chat_id, thread_id, message_id, more_message_ids,"
        " conversation_id, content, state, model, variant, error, answer_message_ids, schedule_id, created_at,"
        " changed_at) VALUES (:bot, :update, :tenant, :chat, :thread, :message, :more, :conversation, :content,"
        " 'waiting', '', '', '', '[]', :schedule, :now, :now) ON CONFLICT (bot_id, update_id)"
        " WHERE update_id IS NOT NULL DO NOTHING"
        " RETURNING *",
        bot=place.bot_id,
        update=update_id,
        tenant=tenant_id,
        chat=place.chat_id,
        thread=place.thread_id,
        message=place.message_id,
        more=json.dumps(place.more_message_ids),
        conversation=conversation,
        content=content.to_json(),
        schedule=schedule_id,
        now=ms(now),
    )
    found = record_of(made) if made is not None else of_update(conn, place.bot_id, update_id)
    assert found is not None
    return found


def exists(conn: Connection, question_id: int) -> bool:
    return scalar(conn, "SELECT 1 AS one FROM questions WHERE id = :id", id=question_id) is not None


def find(conn: Connection, question_id: int) -> QuestionRecord | None:
    return record_of(row(conn, "SELECT * FROM questions WHERE id = :id", id=question_id))


def of_update(conn: Connection, bot_id: int, update_id: int | None) -> QuestionRecord | None:
    """Return the question that was stored for an update, and lock it."""
    sql = "SELECT * FROM questions WHERE bot_id = :bot AND update_id = :update"
    return record_of(row(conn, sql + for_update(conn), bot=bot_id, update=update_id))


def of_message(conn: Connection, place: Place) -> QuestionRecord | None:
    """Return the newest question that this message asked, also as the first of several messages."""
    sql = (
        "SELECT * FROM questions WHERE bot_id = :bot AND chat_id = :chat AND message_id = :message"
        " ORDER BY id DESC LIMIT 1"
    )
    return record_of(row(conn, sql, bot=place.bot_id, chat=place.chat_id, message=place.message_id))


def last(conn: Connection, tenant_id: int, place: Place) -> QuestionRecord | None:
    """Return the tenant's last question in the open conversation of a chat and thread."""
    sql = (
        "SELECT q.* FROM questions q JOIN conversations c ON c.id = q.conversation_id AND c.ended_at IS NULL"
        " WHERE q.tenant_id = :tenant AND q.bot_id = :bot AND q.chat_id = :chat AND q.thread_id = :thread"
        " ORDER BY q.id DESC LIMIT 1"
    )
    values = {"bot": place.bot_id, "chat": place.chat_id, "thread": place.thread_id}
    return record_of(row(conn, sql, tenant=tenant_id, **values))


def begin(conn: Connection, question_id: int, ask: Ask, now: datetime) -> tuple[Begun, QuestionRecord | None]:
    """Begin an ask, or return why it can't begin. The same update may continue its own ask."""
    sql = "SELECT * FROM questions WHERE id = :id"
    found = record_of(row(conn, sql + for_update(conn), id=question_id))
    return (Begun.GONE, None) if found is None else begin_locked(conn, found, ask, now)


def begin_locked(conn: Connection, found: QuestionRecord, ask: Ask, now: datetime) -> tuple[Begun, QuestionRecord]:
    """Begin an ask as `begin` does, for a record whose row this transaction has locked or made."""
    if found.request_id == ask.request_id:
        return Begun.BEGUN, found
    if found.state is QuestionState.ASKING and is_handled_now(conn, found):
        return Begun.BUSY, found
    if ask.answers is not None and ask.answers != found.answers:
        return Begun.USED, found
    conn.run(
        "UPDATE questions SET state = 'asking', request_id = :request, model = :model, variant = :variant, error = '',"
        " agreed_nanousd = :agreed, output_tokens = :tokens, changed_at = :now WHERE id = :id",
        request=ask.request_id,
        model=ask.model,
        variant=ask.variant,
        agreed=ask.agreed_nanousd,
        tokens=ask.output_tokens,
        now=ms(now),
        id=found.id,
    )
    asked = replace(
        found,
        model=ask.model,
        variant=ask.variant,
        agreed_nanousd=ask.agreed_nanousd,
        output_tokens=ask.output_tokens,
        request_id=ask.request_id,
        state=QuestionState.ASKING,
        error="",
    )
    return Begun.BEGUN, asked


def is_handled_now(conn: Connection, found: QuestionRecord) -> bool:
    """Return False if the update of the last ask is done: its handler has failed and left the state behind."""
    update_id = str(found.request_id).rpartition(":")[2]
    state = scalar(
        conn,
        "SELECT state FROM inbox WHERE bot_id = :bot AND update_id = :update",
        bot=found.place.bot_id,
        update=int(update_id) if update_id.isdecimal() else -1,
    )
    return state in {"new", "claimed"}


def answer(
    conn: Connection,
    question_id: int,
    request_id: str,
    conversation_id: int,
    *,
    state: QuestionState,
    now: datetime,
    replaced: str = "",
) -> bool:
    """Store the answer of this request as the current one. Return False if another ask has begun or the record is gone.

    `replaced`: the exchange that it replaces, as `replaced_exchanges.of` returns it.
    """
    return bool(
        conn.run(
            "UPDATE questions SET state = :state, answer_request_id = :request, answers = answers + 1, error = '',"
            " answer_message_ids = '[]', conversation_id = :conversation, replaced = :replaced, changed_at = :now"
            " WHERE id = :id AND request_id = :request",
            state=state.value,
            request=request_id,
            conversation=conversation_id,
            replaced=replaced,
            now=ms(now),
            id=question_id,
        )
    )


def end(
    conn: Connection, question_id: int, request_id: str, *, state: QuestionState, error: str, now: datetime
) -> None:
    """End an ask that brought no answer. An earlier answer stays current."""
    conn.run(
        "UPDATE questions SET state = CASE WHEN answer_request_id IS NULL THEN :state ELSE 'answered' END,"
        " error = :error, changed_at = :now WHERE id = :id AND request_id = :request AND state = 'asking'",
        state=state.value,
        error=error,
        now=ms(now),
        id=question_id,
        request=request_id,
    )


def record_of(found: Row | None) -> QuestionRecord | None:
    """Return a row of the table as a record."""
    if found is None:
        return None
    more: Sequence[int] = json.loads(found["more_message_ids"])
    return QuestionRecord(
        id=found["id"],
        tenant_id=found["tenant_id"],
        place=Place(found["bot_id"], found["chat_id"], found["thread_id"], found["message_id"], tuple(more)),
        conversation_id=found["conversation_id"],
        content=QuestionContent.from_json(found["content"]),
        state=QuestionState(found["state"]),
        model=found["model"],
        variant=found["variant"],
        error=found["error"],
        request_id=found["request_id"],
        answer_request_id=found["answer_request_id"],
        answer_message_ids=tuple(json.loads(found["answer_message_ids"])),
        answers=found["answers"],
        created_at=moment(found["created_at"]),
        agreed_nanousd=found["agreed_nanousd"],
        output_tokens=found["output_tokens"],
        schedule_id=found["schedule_id"],
        update_id=found["update_id"],
    )
