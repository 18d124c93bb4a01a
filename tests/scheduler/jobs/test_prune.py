from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from engine.chat import Role, says
from scheduler.context import JobContext
from scheduler.jobs import prune
from storage.database.connection import Connection, scalar
from storage.operations import idempotency
from storage.schedules import scheduled_prompts
from storage.schedules.recurrence import Recurrence, Unit
from storage.schedules.scheduled_prompts import SchedulePlace
from storage.teams import invitations
from storage.telegram import conversations, inbox, outbox, questions
from storage.telegram.inbox import IncomingUpdate
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Place
from storage.tenants import notices, stored_responses, tenant_settings
from storage.tenants.stored_responses import StoredResponse
from tests.scheduler.conftest import NOW
from tests.storage.books import tenant
from tests.storage.teams.crew import crew

OLD, YOUNG = NOW - timedelta(days=40), NOW - timedelta(hours=1)
TABLES = ("messages", "conversations", "inbox", "outbox", "idempotency", "stored_responses", "questions")
MESSAGES_PER_CHAT = 120
"""More than one chunk."""


def counts(conn: Connection) -> dict[str, int]:
    return {table: int(scalar(conn, f"SELECT count(*) AS n FROM {table}")) for table in TABLES}


def add_conversation(conn: Connection, owner: int, chat: int, ended: datetime | None) -> None:
    said = (says(Role.USER, "hello"), says(Role.ASSISTANT, "good day"))
    questions.store(conn, owner, Place(7, chat, 0, 1), QuestionContent("hello"), OLD)
    for number in range(MESSAGES_PER_CHAT):
        conversations.append(conn, chat, 0, owner, f"{chat}-{number}", said, OLD)
    if ended is not None:
        conversations.reset(conn, chat, 0, ended)


def add_finished_update(conn: Connection, owner: int, number: int, at: datetime) -> None:
    inbox.store(conn, 7, [IncomingUpdate(number, "c", "now", "words")], at)
    claimed = inbox.claim(conn, 7, number, "L")
    assert claimed is not None
    inbox.finish(conn, claimed.id, claimed.epoch, at)
    outbox.put(conn, f"r{number}", 1, ["words"], "L", at)
    outbox.finish(conn, outbox.parts(conn, f"r{number}", "L")[0].id, "sent", at)
    stored_responses.store(conn, StoredResponse(f"r{number}", owner, None, [], [], "{}"), at)
    idempotency.begin(
        conn, owner, f"k{number}", body_sha256="x", lease_id="L", holder_is_dead=False, request_id="r", now=at
    )


async def test_only_old_and_finished_rows_are_deleted(context: JobContext) -> None:
    def fill(conn: Connection) -> None:
        owner = tenant(conn)
        for chat, ended in ((1, OLD), (2, YOUNG), (3, None)):
            add_conversation(conn, owner, chat, ended)
        for number, at in ((1, OLD), (2, YOUNG)):
            add_finished_update(conn, owner, number, at)
        inbox.store(conn, 7, [IncomingUpdate(3, "c", "now", "an old prompt that waits")], OLD)

    await context.db.write(fill)
    await prune.run(context)
    assert await context.db.read(counts) == {
        "messages": 2 * 2 * MESSAGES_PER_CHAT,
        "conversations": 2,
        "inbox": 2,
        "outbox": 1,
        "idempotency": 1,
        "stored_responses": 1,
        "questions": 2,
    }


async def test_operator_says_how_long_conversations_and_responses_are_kept(context: JobContext) -> None:
    def fill(conn: Connection) -> None:
        owner = tenant(conn)
        add_conversation(conn, owner, 1, OLD)
        stored_responses.store(conn, StoredResponse("r", owner, None, [], [], "{}"), OLD)

    await context.db.write(fill)
    await prune.run(replace(context, keep_days=60))
    found = await context.db.read(counts)
    assert (found["messages"], found["stored_responses"]) == (2 * MESSAGES_PER_CHAT, 1)
    await prune.run(replace(context, keep_days=30))
    found = await context.db.read(counts)
    assert (found["messages"], found["stored_responses"], found["questions"]) == (0, 0, 0)


async def test_expired_invitations_and_old_drafts_are_deleted(context: JobContext) -> None:
    def fill(conn: Connection) -> None:
        team, ann, _ = crew(conn)
        invitations.make(conn, team, None, OLD)
        rule = Recurrence(Unit.HOURS, (1,))
        scheduled_prompts.draft(conn, ann, SchedulePlace(7, 1001), rule, "ask", NOW, OLD)

    await context.db.write(fill)
    await prune.run(context)
    for table in ("team_invitations", "scheduled_prompts"):
        assert await context.db.read(partial(scalar, sql=f"SELECT count(*) AS n FROM {table}")) == 0


async def test_person_may_choose_a_shorter_time(context: JobContext) -> None:
    def fill(conn: Connection) -> None:
        owner = tenant(conn)
        add_conversation(conn, owner, 1, None)
        tenant_settings.set_keep_days(conn, owner, 7)

    await context.db.write(fill)
    await prune.run(context)
    assert (await context.db.read(counts))["messages"] == 0


async def test_keys_of_notices_are_deleted_after_their_periods(context: JobContext) -> None:
    def unit(conn: Connection) -> None:
        for key, at in (("quota:80:1:1", NOW - timedelta(days=91)), ("quota:80:1:4", NOW - timedelta(days=30))):
            notices.first_time(conn, key, at)

    await context.db.write(unit)
    await prune.run(context)
    assert await context.db.read(lambda conn: [each["key"] for each in conn.rows("SELECT key FROM notices")]) == [
        "quota:80:1:4"
    ]
