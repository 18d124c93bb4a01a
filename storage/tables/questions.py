"""Table of questions: everything that people asked the bot in Telegram."""

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import big, number


class QuestionRow(SQLModel, table=True):
    """One question, in each of its states. `content` and the message ids are JSON.

    `update_id`: the update of its message, kept while Telegram may deliver it again. `request_id`: the request of its
    last ask; `answer_request_id`: the request of the current answer. `agreed_nanousd`, `output_tokens`: as in the last
    ask; 0: none. `schedule_id`: the scheduled prompt that it is a run of; 0: none. `replaced`: the exchange that the
    current answer replaced, as JSON; it is restored if the current answer can't be delivered.
    """

    __tablename__ = "questions"
    __table_args__ = (
        Index(
            "one_question_per_update",
            "bot_id",
            "update_id",
            unique=True,
            sqlite_where=text("update_id IS NOT NULL"),
            postgresql_where=text("update_id IS NOT NULL"),
        ),
        Index("questions_of_message", "bot_id", "chat_id", "message_id"),
        Index("questions_of_tenant", "tenant_id", "chat_id", "thread_id", "id"),
        Index("questions_of_conversation", "conversation_id"),
        Index("questions_by_answer", "answer_request_id"),
    )

    id: int | None = number()
    bot_id: int = big()
    update_id: int | None = big(None)
    tenant_id: int = big()
    chat_id: int = big()
    thread_id: int = big(0)
    message_id: int | None = big(None)
    more_message_ids: str = "[]"
    conversation_id: int = big()
    content: str
    state: str
    model: str = ""
    variant: str = ""
    error: str = ""
    request_id: str | None = None
    answer_request_id: str | None = None
    answer_message_ids: str = "[]"
    answers: int = big(0)
    agreed_nanousd: int = big(0)
    output_tokens: int = big(0)
    schedule_id: int = big(0)
    replaced: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: int = big(index=True)
    changed_at: int = big()
