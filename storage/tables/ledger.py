"""Money: leases, holds, transfers, orders, payments."""

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import big, number


class LeaseRow(SQLModel, table=True):
    """A process's life. Its holds and claims end with it."""

    __tablename__ = "leases"

    id: str = Field(primary_key=True)
    host: str
    pid: int = big()
    process: str
    expires_at: int = big()


class HoldRow(SQLModel, table=True):
    """Money set aside for one try at one request: `id` is request:epoch. Resolved at most once."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'captured', 'void', 'expired')", name="hold_state"),
        CheckConstraint("wallet_nanousd >= 0 AND allowance_tokens >= 0 AND tokens >= 0", name="hold_not_negative"),
        CheckConstraint("charge_nanousd >= 0 AND charge_nanousd <= wallet_nanousd", name="charge_within_hold"),
        Index(
            "one_capture_per_request",
            "request_id",
            unique=True,
            sqlite_where=text("state = 'captured'"),
            postgresql_where=text("state = 'captured'"),
        ),
        Index(
            "open_holds",
            "lease_id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: str = Field(primary_key=True)
    request_id: str = Field(index=True)
    epoch: int = big()
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    key_id: int | None = big(None)
    key_month: int = big(0)
    state: str = "open"
    wallet_nanousd: int = big()
    allowance_tokens: int = big()
    tokens: int = big()
    period_no: int = big()
    lease_id: str
    created_at: int = big()
    resolved_at: int | None = big(None)
    charge_nanousd: int = big(0)
    charged_allowance_tokens: int = big(0)


class TransferRow(SQLModel, table=True):
    """Double entry in one row: its two sides can't differ. Never changed, never deleted."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("amount_nanousd > 0", name="transfer_moves_money"),
        CheckConstraint("debit <> credit", name="transfer_has_two_sides"),
        Index(
            "transfers_besides_charges",
            "tenant_id",
            "created_at",
            sqlite_where=text("kind <> 'charge'"),
            postgresql_where=text("kind <> 'charge'"),
        ),
    )

    id: int | None = number()
    kind: str
    debit: str
    credit: str
    amount_nanousd: int = big()
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    ref: str = Field(unique=True)
    reason: str = ""
    created_at: int = big()


class OrderRow(SQLModel, table=True):
    """What an invoice asks for; its id is the invoice's payload. The price it was made at is honoured."""

    __tablename__ = "orders"
    __table_args__ = (CheckConstraint("stars > 0", name="order_costs_stars"),)

    id: str = Field(primary_key=True)
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    kind: str
    plan: str | None = None
    stars: int = big()
    usd_nanousd: int = big()
    nanousd_per_star: int = big()
    state: str = "new"
    created_at: int = big()


class PaymentRow(SQLModel, table=True):
    """Telegram's charge id is the key: credited once, whatever is delivered twice."""

    __tablename__ = "payments"

    charge_id: str = Field(primary_key=True)
    order_id: str | None = None
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    stars: int = big()
    credited_nanousd: int = big()
    kind: str
    subscription_until: int | None = big(None)
    paid_at: int = big()
    refunded_at: int | None = big(None)


class SubscriptionRow(SQLModel, table=True):
    __tablename__ = "subscriptions"

    tenant_id: int = big(primary_key=True, foreign_key="tenants.id")
    charge_id: str
    order_id: str
    plan: str
    state: str
    until_at: int = big()
