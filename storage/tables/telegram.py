"""Tables of Telegram: received updates and messages to send."""

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import SQLModel

from storage.tables.columns import big, number


class InboxRow(SQLModel, table=True):
    """An update, stored before it is confirmed to Telegram. `payload` is emptied once the update is done."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("bot_id", "update_id", name="each_update_once"),
        Index(
            "undone_updates",
            "chat_key",
            "id",
            sqlite_where=text("state <> 'done'"),
            postgresql_where=text("state <> 'done'"),
        ),
    )

    id: int | None = number()
    bot_id: int = big()
    update_id: int = big()
    chat_key: str
    lane: str
    payload: str
    state: str = "new"
    epoch: int = big(0)
    lease_id: str | None = None
    received_at: int = big()
    done_at: int | None = big(None)


class OutboxRow(SQLModel, table=True):
    """A part of a charged answer. A crash may cause it to be sent twice, never to be charged twice.

    `state`: new, sent, dropped, or held (the asker can't be reached now). `shown`: the asker has seen some of it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("request_id", "seq", name="each_part_once"),
        Index("unsent", "id", sqlite_where=text("state = 'new'"), postgresql_where=text("state = 'new'")),
        Index("held_answers", "user_id", sqlite_where=text("state = 'held'"), postgresql_where=text("state = 'held'")),
    )

    id: int | None = number()
    request_id: str
    seq: int = big()
    chat_id: int = big()
    payload: str
    state: str = "new"
    lease_id: str
    created_at: int = big()
    sent_at: int | None = big(None)
    user_id: int | None = big(None)
    shown: bool = False
