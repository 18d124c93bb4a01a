from datetime import timedelta
from typing import Any

import pytest

from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import conversations, inbox, question_changes, question_upkeep, questions
from storage.telegram.inbox import CHAT, IncomingUpdate
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Begun, Place, QuestionRecord, QuestionState
from tests.storage.books import NOW

BOT, CHAT_ID, ANN, BAO = 7, 9, 1, 2
DAY = timedelta(days=1)
REFUSED, FAILED, ANSWERED = QuestionState.REFUSED, QuestionState.FAILED, QuestionState.ANSWERED


def place(message: int | None = 5, thread: int = 0) -> Place:
    return Place(BOT, CHAT_ID, thread, message)


def made(conn: Connection, text: str = "first", message: int | None = 5, tenant: int = ANN) -> QuestionRecord:
    update = None if message is None else 100 + message
    return questions.store(conn, tenant, place(message), QuestionContent(text), NOW, update_id=update)


def ask(number: int, answers: int | None = None, **more: Any) -> Ask:
    return Ask(f"tg:{BOT}:{number}", answers=answers, **more)


def begin(conn: Connection, record: QuestionRecord, asked: Ask) -> Begun:
    return questions.begin(conn, record.id, asked, NOW)[0]


def answered(conn: Connection, record: QuestionRecord, number: int, answers: int | None = None) -> bool:
    assert begin(conn, record, ask(number, answers)) is Begun.BEGUN
    return questions.answer(conn, record.id, f"tg:{BOT}:{number}", record.conversation_id, state=ANSWERED, now=NOW)


def fails(conn: Connection, record: QuestionRecord, number: int, error: str = "NoProvider") -> None:
    assert begin(conn, record, ask(number)) is Begun.BEGUN
    questions.end(conn, record.id, f"tg:{BOT}:{number}", state=FAILED, error=error, now=NOW)


def found(conn: Connection, record: QuestionRecord) -> QuestionRecord:
    stored = questions.find(conn, record.id)
    assert stored is not None
    return stored


async def test_update_has_one_record_and_others_have_their_own(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = made(conn)
        assert made(conn, "delivered again") == first
        assert first.content.text == "first"
        assert (first.state, first.answers) == (QuestionState.WAITING, 0)
        without = [made(conn, message=None) for _ in range(2)]
        assert len({first.id, made(conn, "second", 6).id, *(each.id for each in without)}) == 4
        assert questions.of_message(conn, place()) == first
        assert questions.of_message(conn, place(77)) is None

    await db.write(unit)


async def test_answered_question_refuses_the_buttons_of_before(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        assert answered(conn, record, 1, answers=0)
        assert begin(conn, record, ask(2, answers=0)) is Begun.USED
        assert answered(conn, record, 3, answers=1)
        after = found(conn, record)
        assert (after.answers, after.answer_request_id, after.state) == (2, "tg:7:3", ANSWERED)

    await db.write(unit)


async def test_question_is_asked_once_at_a_time(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        inbox.store(conn, BOT, [IncomingUpdate(1, "9:0", CHAT, "{}")], NOW)
        assert begin(conn, record, ask(1)) is Begun.BEGUN
        assert begin(conn, record, ask(2)) is Begun.BUSY
        assert begin(conn, record, ask(1)) is Begun.BEGUN, "the update is handled again after a crash"
        claimed = inbox.claim_next(conn, BOT, "9:0", "L")
        assert claimed is not None
        assert begin(conn, record, ask(2)) is Begun.BUSY
        inbox.finish(conn, claimed.id, claimed.epoch, NOW)
        assert begin(conn, record, ask(2)) is Begun.BEGUN, "the handler of the first ask is gone"
        assert not questions.answer(conn, record.id, "tg:7:1", 1, state=ANSWERED, now=NOW)

    await db.write(unit)


async def test_deleted_question_is_gone(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record, other = made(conn), made(conn, message=6, tenant=BAO)
        assert question_upkeep.forget(conn, ANN) == 1
        assert questions.begin(conn, record.id, ask(1), NOW) == (Begun.GONE, None)
        assert found(conn, other) == other

    await db.write(unit)


async def test_failed_ask_keeps_its_reason_model_and_variant(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        assert begin(conn, record, ask(1, model="smart", variant="shorter")) is Begun.BEGUN
        questions.end(conn, record.id, "tg:7:1", state=REFUSED, error="InsufficientFunds", now=NOW)
        after = found(conn, record)
        assert (after.state, after.error, after.model, after.variant) == (
            REFUSED,
            "InsufficientFunds",
            "smart",
            "shorter",
        )
        assert begin(conn, record, ask(2, answers=0)) is Begun.BEGUN
        assert found(conn, record).error == ""

    await db.write(unit)


async def test_agreement_to_a_price_is_of_one_ask(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        assert (record.agreed_nanousd, record.output_tokens) == (0, 0)
        assert begin(conn, record, ask(1, agreed_nanousd=5000, output_tokens=90)) is Begun.BEGUN
        agreed = found(conn, record)
        assert (agreed.agreed_nanousd, agreed.output_tokens) == (5000, 90)
        questions.end(conn, record.id, "tg:7:1", state=REFUSED, error="NoProvider", now=NOW)
        again = Ask.again("tg:7:2", agreed, 0)
        assert (again.agreed_nanousd, again.output_tokens) == (5000, 90)
        assert begin(conn, record, ask(3)) is Begun.BEGUN
        assert (found(conn, record).agreed_nanousd, found(conn, record).output_tokens) == (0, 0)
        assert Ask.again("tg:7:4", None, 2) == Ask("tg:7:4", answers=2)

    await db.write(unit)


async def test_failed_retry_leaves_the_answer_that_stands(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        answered(conn, record, 1)
        fails(conn, record, 2)
        after = found(conn, record)
        assert (after.state, after.answer_request_id, after.answers) == (ANSWERED, "tg:7:1", 1)
        questions.end(conn, record.id, "tg:7:1", state=FAILED, error="late", now=NOW)
        assert found(conn, record) == after, "an ask that is over changes nothing"

    await db.write(unit)


async def test_last_question_is_the_tenants_own_in_the_open_conversation(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made(conn)
        second, others = made(conn, "second", 6), made(conn, "theirs", 7, BAO)
        questions.store(conn, ANN, place(8, thread=3), QuestionContent("elsewhere"), NOW)
        assert questions.last(conn, ANN, place()) == second
        assert questions.last(conn, BAO, place()) == others
        conversations.reset(conn, CHAT_ID, 0, NOW)
        assert questions.last(conn, ANN, place()) is None

    await db.write(unit)


@pytest.mark.parametrize(("later", "expected"), [("nothing", True), ("answer", False), ("other error", False)])
async def test_question_that_waits_for_money_is_found(db: Database, later: str, expected: bool) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        fails(conn, record, 1, "InsufficientFunds")
        if later == "answer":
            answered(conn, record, 2)
        elif later == "other error":
            fails(conn, record, 2)
        unpaid = question_changes.last_unpaid(conn, ANN, "InsufficientFunds", NOW - DAY)
        assert (unpaid is not None and unpaid.id == record.id) is expected
        assert question_changes.last_unpaid(conn, ANN, "InsufficientFunds", NOW + DAY) is None
        assert question_changes.last_unpaid(conn, BAO, "InsufficientFunds", NOW - DAY) is None

    await db.write(unit)


async def test_update_id_may_be_used_again_after_a_while(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        assert question_upkeep.forget_updates(conn, NOW, 10) == 0
        assert question_upkeep.forget_updates(conn, NOW + DAY, 10) == 1
        assert question_upkeep.forget_updates(conn, NOW + DAY, 10) == 0
        again = made(conn, "of a later message")
        assert again.id != record.id
        assert questions.of_message(conn, place()) == again

    await db.write(unit)


async def test_sweep_takes_questions_of_conversations_that_ended_before(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made(conn)
        assert question_upkeep.sweep(conn, NOW + DAY, 10) == 0
        conversations.reset(conn, CHAT_ID, 0, NOW)
        young = made(conn, "young", 6)
        assert question_upkeep.sweep(conn, NOW, 10) == 0
        assert question_upkeep.sweep(conn, NOW + DAY, 10) == 1
        assert found(conn, young) == young
        conn.run("DELETE FROM conversations")
        assert question_upkeep.sweep(conn, NOW + DAY, 10) == 1

    await db.write(unit)
