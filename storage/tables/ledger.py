"""Tables of money: leases, holds, transfers, orders, payments, subscriptions, codes."""

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import big, number


class LeaseRow(SQLModel, table=True):
    """A process's claim to be alive. Its holds and claims end with it."""

    __tablename__ = "leases"

    id: str = Field(primary_key=True)
    host: str
    pid: int = big()
    process: str
    expires_at: int = big()


class HoldRow(SQLModel, table=True):
    """Funds reserved for a request. A hold of a later epoch replaces the row; a captured row never changes.

    `member_id`: the member of a team or group for whom the tenant pays; `share_nanousd` counts in the member's limit.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'captured', 'void', 'expired')", name="hold_state"),
        CheckConstraint("wallet_nanousd >= 0 AND allowance_tokens >= 0 AND tokens >= 0", name="hold_not_negative"),
        CheckConstraint("charge_nanousd >= 0 AND charge_nanousd <= wallet_nanousd", name="charge_within_hold"),
        CheckConstraint(
            "state = 'captured' OR (charge_nanousd = 0 AND charged_allowance_tokens = 0)", name="only_captures_charge"
        ),
        Index(
            "open_holds",
            "lease_id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        {"sqlite_with_rowid": False},
    )

    request_id: str = Field(primary_key=True)
    epoch: int = big()
    tenant_id: int = big(foreign_key="tenants.id")
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
    member_id: int | None = big(None)
    share_day: int = big(0)
    share_nanousd: int = big(0)


class ReturnedChargeRow(SQLModel, table=True):
    """The charge of an answer that was given back because nothing could be shown. Its hold stays captured."""

    __tablename__ = "returned_charges"
    __table_args__ = (Index("returns_of_tenant", "tenant_id", "period_no"),)

    request_id: str = Field(primary_key=True)
    tenant_id: int = big(foreign_key="tenants.id")
    period_no: int = big()
    charge_nanousd: int = big()
    allowance_tokens: int = big()
    returned_at: int = big()


class TransferRow(SQLModel, table=True):
    """A transfer: a double entry in one row, so that its two sides are equal. It is never changed or deleted."""

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


class AuditedBalanceRow(SQLModel, table=True):
    """The sum of an account's entries at the last audited point: a cache of the audit, not part of the ledger."""

    __tablename__ = "audited_balances"

    account: str = Field(primary_key=True)
    sum_nanousd: int = big()


class OrderRow(SQLModel, table=True):
    """An order of Stars. Its id is the payload of Telegram's invoice; it keeps its price.

    `payer_id`: the person who pays, if `tenant_id` is a team's or group's wallet; NULL: `tenant_id` itself pays.
    """

    __tablename__ = "orders"
    __table_args__ = (CheckConstraint("stars > 0", name="order_costs_stars"),)

    id: str = Field(primary_key=True)
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    kind: str
    plan: str | None = None
    stars: int = big()
    usd_nanousd: int = big()
    nanousd_per_star: int = big()
    price_nanousd: int | None = big(None)
    state: str = "new"
    created_at: int = big()
    payer_id: int | None = big(None)


class PaymentRow(SQLModel, table=True):
    """A payment. Its key is Telegram's charge id, so that a repeated update credits it once.

    `payer_id`: the person who paid, if `tenant_id` is a team's or group's wallet; NULL: `tenant_id` itself paid.
    """

    __tablename__ = "payments"

    charge_id: str = Field(primary_key=True)
    order_id: str | None = None
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    stars: int = big()
    credited_nanousd: int = big()
    kind: str
    subscription_until: int | None = big(None)
    paid_at: int = big(index=True)
    refunded_at: int | None = big(None)
    seen_at: int | None = big(None)
    refund_seen_at: int | None = big(None)
    payer_id: int | None = big(None)


class SubscriptionRow(SQLModel, table=True):
    """A Stars subscription; a tenant has at most one that is active, canceled or failed.

    `order_id`: the payload of each of its payments. State `ending`: it must still be cancelled at Telegram.
    `first_charge_id`: its first payment; `charge_id`: the latest.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        CheckConstraint(
            "state IN ('active', 'canceled', 'failed', 'ending', 'ended')",
            name="subscription_state",
        ),
        Index(
            "one_running_subscription",
            "tenant_id",
            unique=True,
            sqlite_where=text("state IN ('active', 'canceled', 'failed')"),
            postgresql_where=text("state IN ('active', 'canceled', 'failed')"),
        ),
        Index(
            "ending_subscriptions",
            "order_id",
            sqlite_where=text("state = 'ending'"),
            postgresql_where=text("state = 'ending'"),
        ),
    )

    order_id: str = Field(primary_key=True)
    tenant_id: int = big(foreign_key="tenants.id", index=True)
    plan: str
    state: str
    by_us: bool = False
    first_charge_id: str
    charge_id: str
    until_at: int = big()


class CodeRow(SQLModel, table=True):
    """A code that credits a wallet, or an invitation (`nanousd` 0). Only its hash is stored."""

    __tablename__ = "codes"
    __table_args__ = (CheckConstraint("nanousd >= 0", name="code_not_negative"),)

    sha256: str = Field(primary_key=True)
    kind: str
    nanousd: int = big(0)
    made_by: int = big()
    made_at: int = big()
    used_by: int | None = big(None, foreign_key="tenants.id")
    used_at: int | None = big(None)


class CodeTryRow(SQLModel, table=True):
    """An attempt with a wrong code, kept while it counts towards the limit."""

    __tablename__ = "code_tries"
    __table_args__ = (Index("tries_of_tenant", "tenant_id", "tried_at"),)

    id: int | None = number()
    tenant_id: int = big(foreign_key="tenants.id")
    tried_at: int = big()
