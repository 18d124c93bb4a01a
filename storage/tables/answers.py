"""Tables of answers: attempts, receipts, conversations, messages, stored responses for repeated requests."""

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import big, number


class AttemptRow(SQLModel, table=True):
    """One attempt. It contains neither the prompt nor the answer."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index(
            "one_kept_attempt_per_request",
            "request_id",
            unique=True,
            sqlite_where=text("kept"),
            postgresql_where=text("kept"),
        ),
        Index("attempts_of_tenant", "tenant_id", "day"),
        Index("attempts_of_provider", "provider", "started_at"),
        Index("attempts_of_day", "day"),
        Index(
            "disputed_attempts",
            "started_at",
            sqlite_where=text("disputed"),
            postgresql_where=text("disputed"),
        ),
    )

    id: int | None = number()
    request_id: str
    ordinal: int = big()
    tenant_id: int | None = big(None)
    key_id: int | None = big(None)
    asked: str
    provider: str
    model: str
    served: str = ""
    outcome: str
    status: int | None = big(None)
    kept: bool = False
    estimated: bool = False
    disputed: bool = False
    input_tokens: int = big(0)
    cached_tokens: int = big(0)
    cache_write_tokens: int = big(0)
    output_tokens: int = big(0)
    reasoning_tokens: int = big(0)
    cost_nanousd: int = big(0)
    waste_nanousd: int = big(0)
    charge_nanousd: int = big(0)
    allowance_tokens: int = big(0)
    allowance_nanousd: int = big(0)
    first_token_ms: int | None = big(None)
    duration_ms: int = big()
    started_at: int = big()
    day: int = big()


class ReceiptRow(SQLModel, table=True):
    """The receipt of a tenant's last answer, for /why."""

    __tablename__ = "receipts"

    tenant_id: int = big(primary_key=True)
    answered_at: int = big()
    charge_nanousd: int = big(0)
    allowance_tokens: int = big(0)
    receipt: str


class ConversationRow(SQLModel, table=True):
    """A conversation of one chat or thread; it is open until `ended_at` is set.

    `summary` stands for its messages up to `summarised_id`. `persona` is `ready:KEY` or `own:ID`; empty: none.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index(
            "one_open_conversation",
            "chat_id",
            "thread_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("conversations_of_chat", "chat_id"),
    )

    id: int | None = number()
    chat_id: int = big()
    thread_id: int = big(0)
    created_at: int = big()
    ended_at: int | None = big(None)
    title: str = Field(default="", sa_column_kwargs={"server_default": ""})
    summary: str = Field(default="", sa_column_kwargs={"server_default": ""})
    persona: str = Field(default="", sa_column_kwargs={"server_default": ""})
    summarised_id: int = big(0)


class MessageRow(SQLModel, table=True):
    """A message of a conversation; `parts` is JSON. A request has at most one question and one answer."""

    __tablename__ = "messages"
    __table_args__ = (Index("one_message_per_request_and_role", "request_id", "role", unique=True),)

    id: int | None = number()
    conversation_id: int = big(foreign_key="conversations.id", index=True)
    tenant_id: int = big(index=True)
    role: str
    parts: str
    request_id: str
    created_at: int = big()


class IdempotencyRow(SQLModel, table=True):
    """The response to an idempotency key, kept for a day. `state`: running, done."""

    __tablename__ = "idempotency"

    tenant_id: int = big(primary_key=True)
    key: str = Field(primary_key=True)
    body_sha256: str
    state: str
    lease_id: str
    request_id: str
    status: int = big(0)
    body: str = ""
    headers: str = "{}"
    created_at: int = big(index=True)


class StoredResponseRow(SQLModel, table=True):
    """An answer of /v1/responses: `input` and `output` are JSON lists of items, `body` is the response as it was sent.

    `previous_id`: the response whose conversation it continues.
    """

    __tablename__ = "stored_responses"
    __table_args__ = (Index("stored_responses_of_tenant", "tenant_id", "created_at"),)

    id: str = Field(primary_key=True)
    tenant_id: int = big()
    previous_id: str | None = None
    input: str
    output: str
    body: str
    created_at: int = big(index=True)
