"""Shapes of what the Mini App is told; the rest is the same as for API keys and operators."""

from pydantic import BaseModel, Field

from web.schemas import InvoiceOut, KeyOut, MarginList, ProviderOut, Usd


class AccountOut(BaseModel):
    plan: str
    next_plan: str | None = Field(description="What begins when this period ends, where that is another")
    wallet_usd: Usd
    held_usd: Usd
    owed_usd: Usd
    allowance_tokens: int
    allowance_left_tokens: int
    period_from: str
    renews_at: str


class SpentOut(BaseModel):
    """Kept answers of this period, by day, model and provider; charged from the wallet, or taken from the allowance."""

    day: str
    model: str
    provider: str
    prompts: int
    tokens: int
    allowance_tokens: int
    charge_usd: Usd


class AccountDataOut(BaseModel):
    language: str = Field(examples=["en"])
    today: str = Field(description="UTC date", examples=["2026-11-25"])
    is_operator: bool
    most_keys: int
    account: AccountOut
    spent: list[SpentOut]
    keys: list[KeyOut]
    invoices: list[InvoiceOut]


class IncidentOut(BaseModel):
    id: str
    kind: str = Field(examples=["provider_down"])
    subject: str = Field(examples=["deepseek"])
    opened_at: str
    closed_at: str | None
    muted_until: str | None
    acknowledged: bool


class OperatorOut(BaseModel):
    """Providers as they are now, this month's margin, open incidents and those of the last days."""

    providers: list[ProviderOut]
    margin: MarginList
    incidents: list[IncidentOut]
