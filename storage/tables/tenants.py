"""Tables of tenants, accounts and API keys, and of the operator's state: incidents, providers, broadcasts."""

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import big, number


class TenantRow(SQLModel, table=True):
    """A tenant. `access`: in, pending or declined. `agreed_terms`: the version of the terms that the tenant agreed to.

    `keep_days`: the tenant's texts are deleted after this many days; NULL: after the operator's time.
    """

    __tablename__ = "tenants"

    id: int | None = number()
    telegram_user_id: int | None = big(None, unique=True)
    name: str = ""
    username: str = ""
    plan: str
    next_plan: str | None = None
    language: str = ""
    access: str = Field(default="in", sa_column_kwargs={"server_default": "in"})
    banned: bool = False
    blocked: bool = False
    agreed_terms_at: int | None = big(None)
    agreed_terms: str = Field(default="", sa_column_kwargs={"server_default": ""})
    settings: str = "{}"
    created_at: int = big(index=True)
    keep_days: int | None = big(None)


class AccountRow(SQLModel, table=True):
    """A tenant's wallet and allowance. The balance includes the held amount, which can't be held twice.

    `period_ref`: the transfer that paid for the current period; empty if none did.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("balance_nanousd >= 0", name="wallet_not_negative"),
        CheckConstraint("held_nanousd >= 0 AND held_nanousd <= balance_nanousd", name="holds_within_wallet"),
        CheckConstraint("owed_nanousd >= 0", name="debt_not_negative"),
        CheckConstraint("allowance_used_tokens >= 0 AND allowance_held_tokens >= 0", name="allowance_not_negative"),
        CheckConstraint(
            "allowance_used_tokens + allowance_held_tokens <= allowance_tokens", name="holds_within_allowance"
        ),
    )

    tenant_id: int = big(primary_key=True, foreign_key="tenants.id")
    balance_nanousd: int = big(0)
    held_nanousd: int = big(0)
    owed_nanousd: int = big(0)
    allowance_tokens: int = big(0)
    allowance_used_tokens: int = big(0)
    allowance_held_tokens: int = big(0)
    period_no: int = big(1)
    period_start_at: int = big()
    period_end_at: int = big(index=True)
    period_ref: str = Field(default="", sa_column_kwargs={"server_default": ""})


class ApiKeyRow(SQLModel, table=True):
    """An API key. `month` (such as 202611): the month of its token counts; `models`: a JSON list or NULL."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint("used_tokens >= 0 AND held_tokens >= 0", name="key_tokens_not_negative"),)

    id: int | None = number()
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    name: str = ""
    prefix: str
    sha256: str = Field(unique=True)
    tokens_per_month: int | None = big(None)
    requests_per_minute: int | None = big(None)
    models: str | None = None
    expires_at: int | None = big(None)
    month: int = big(0)
    used_tokens: int = big(0)
    held_tokens: int = big(0)
    created_at: int = big()
    last_used_at: int | None = big(None)
    revoked_at: int | None = big(None)


class NoticeRow(SQLModel, table=True):
    """The key of a notification that was sent, so that it is sent once."""

    __tablename__ = "notices"

    key: str = Field(primary_key=True)
    created_at: int = big()


class IncidentRow(SQLModel, table=True):
    """An incident; `facts` is JSON."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "one_open_incident",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: int | None = number()
    kind: str
    subject: str
    state: str = Field(default="open", index=True)
    opened_at: int = big()
    seen_at: int = big()
    closed_at: int | None = big(None)
    muted_until: int = big(0)
    acknowledged: bool = False
    acknowledged_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    facts: str = "{}"


class ProviderRow(SQLModel, table=True):
    """The operator's settings for a provider. Its health is measured and not stored here."""

    __tablename__ = "providers"

    name: str = Field(primary_key=True)
    drained: bool = False
    changed_at: int = big()
    changed_by: str = Field(default="", sa_column_kwargs={"server_default": ""})


class WatermarkRow(SQLModel, table=True):
    """A value remembered between runs."""

    __tablename__ = "watermarks"

    name: str = Field(primary_key=True)
    value: str


class BroadcastRow(SQLModel, table=True):
    """A message to every tenant; `after_id`: the last tenant that it was sent to.

    `missed_ids`: the first tenants that it did not reach, as JSON.
    """

    __tablename__ = "broadcasts"
    __table_args__ = (CheckConstraint("state IN ('draft', 'sending', 'done', 'dropped')", name="broadcast_state"),)

    id: int | None = number()
    text: str
    made_by: int = big()
    state: str = "draft"
    after_id: int = big(0)
    sent: int = big(0)
    missed: int = big(0)
    missed_ids: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
    made_at: int = big()


class PersonaRow(SQLModel, table=True):
    """A persona that a tenant has made. `prompt` tells the model how to answer."""

    __tablename__ = "personas"

    id: int | None = number()
    tenant_id: int = big(index=True)
    name: str
    prompt: str
