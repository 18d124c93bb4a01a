"""Tables of alerts: the messages of incidents, and notices to operators and tenants that are not delivered yet."""

from sqlmodel import SQLModel

from storage.tables.columns import big, number


class AlertMessageRow(SQLModel, table=True):
    """An incident's message to one admin.

    `shown` and `reply_shown`: digests of the texts that the chat shows; after that of the message a second digest,
    of its words without figures, and the time of its last edit.
    """

    __tablename__ = "alert_messages"

    incident_id: int = big(primary_key=True)
    admin: int = big(primary_key=True)
    message: int | None = big(None)
    shown: str = ""
    reply: int | None = big(None)
    reply_shown: str = ""
    is_lost: bool = False
    tries: int = big(0)
    next_at: int = big(0)


class AdminNoticeRow(SQLModel, table=True):
    """A notice to all admins. `message_values` and `told` (the admins who have received it) are JSON."""

    __tablename__ = "admin_notices"

    id: int | None = number()
    key: str
    message_values: str = "{}"
    told: str = "[]"
    tries: int = big(0)
    next_at: int = big(0, index=True)
    made_at: int = big()


class TenantNoticeRow(SQLModel, table=True):
    """A notice to one user: `message_values` and `buttons` are JSON. It is deleted when it has arrived."""

    __tablename__ = "tenant_notices"

    id: int | None = number()
    user_id: int = big(index=True)
    key: str
    message_values: str = "{}"
    buttons: str = "[]"
    tries: int = big(0)
    next_at: int = big(0, index=True)
    made_at: int = big()
