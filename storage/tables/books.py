"""Tables derived from the journal (roll-ups) and from the ledger (invoices)."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import big, number


class TenantDayRow(SQLModel, table=True):
    """A tenant's day. `tenant_id` 0: probes, paid by the operator; `key_id` 0: no API key. Cost excludes waste."""

    __tablename__ = "tenant_days"
    __table_args__ = (Index("tenant_days_of_day", "day"),)

    tenant_id: int = big(primary_key=True)
    day: int = big(primary_key=True)
    key_id: int = big(primary_key=True)
    asked: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    prompts: int = big()
    input_tokens: int = big()
    output_tokens: int = big()
    allowance_tokens: int = big()
    charge_nanousd: int = big()
    allowance_nanousd: int = big()
    cost_nanousd: int = big()
    waste_nanousd: int = big()


class HouseDayRow(SQLModel, table=True):
    """The sums of a day over all tenants, so that a month is a few hundred rows for any number of tenants."""

    __tablename__ = "house_days"

    day: int = big(primary_key=True)
    asked: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    prompts: int = big()
    input_tokens: int = big()
    output_tokens: int = big()
    allowance_tokens: int = big()
    charge_nanousd: int = big()
    allowance_nanousd: int = big()
    cost_nanousd: int = big()
    waste_nanousd: int = big()


class ProviderDayRow(SQLModel, table=True):
    """A day's attempts by outcome, with a cumulative histogram (`le_`) of the milliseconds to the first token."""

    __tablename__ = "provider_days"

    day: int = big(primary_key=True)
    provider: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    attempts: int = big()
    first_tokens: int = big()
    first_token_ms: int = big()
    le_250: int = big()
    le_500: int = big()
    le_1000: int = big()
    le_2500: int = big()
    le_5000: int = big()
    le_10000: int = big()


class InvoiceRow(SQLModel, table=True):
    """The invoice of a month, never changed. `number` has no gaps; `document` is JSON: seller, lines, movements."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "month", name="one_invoice_a_month"),
        CheckConstraint("closing_nanousd = opening_nanousd + moved_nanousd", name="invoice_adds_up"),
        CheckConstraint("from_at < until_at AND number > 0", name="invoice_has_a_month"),
    )

    id: int | None = number()
    number: int = big(unique=True)
    tenant_id: int = big(foreign_key="tenants.id")
    month: int = big()
    from_at: int = big()
    until_at: int = big()
    issued_at: int = big()
    opening_nanousd: int = big()
    moved_nanousd: int = big()
    closing_nanousd: int = big()
    services_nanousd: int = big()
    document: str
