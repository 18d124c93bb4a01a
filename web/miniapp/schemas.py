"""Bodies of the Mini App's own routes. The others are those of web/schemas.py."""

from pydantic import BaseModel, Field

from web.key_schemas import KeyOut
from web.miniapp.operators.margin import MarginShownOut
from web.miniapp.operators.providers import ProviderWordsOut
from web.miniapp.spending import SpendingOut
from web.schema_fields import Usd
from web.schemas import InvoiceOut, MarginList, ProviderOut


class AccountOut(BaseModel):
    plan: str
    next_plan: str | None = Field(description="The plan of the next period, if it differs")
    wallet_usd: Usd
    held_usd: Usd
    owed_usd: Usd
    allowance_tokens: int
    allowance_left_tokens: int
    period_from: str
    renews_at: str


class ShownAccountOut(BaseModel):
    """Amounts, numbers and the date, formatted in the user's language; null: there is none."""

    wallet: str
    held: str | None
    owed: str | None
    left: str
    allowance: str
    renews: str


class ShownInvoiceOut(InvoiceOut):
    total: str = Field(description="`total_usd` as the user's language writes it")


class SpentOut(BaseModel):
    """Answers of this period by day, model and provider: the wallet's charge and the allowance's tokens."""

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
    has_payments: bool = Field(description="The routes of payments exist")
    most_keys: int
    account: AccountOut
    shown: ShownAccountOut
    spent: list[SpentOut]
    spending: SpendingOut
    keys: list[KeyOut]
    invoices: list[ShownInvoiceOut]


class IncidentOut(BaseModel):
    id: str
    kind: str = Field(examples=["provider_down"])
    subject: str = Field(examples=["deepseek"])
    opened_at: str
    closed_at: str | None
    muted_until: str | None
    acknowledged: bool
    acknowledged_by: str


class OperatorOut(BaseModel):
    """Current providers, this month's margin, open and recent incidents."""

    providers: list[ProviderOut]
    margin: MarginList
    shown: MarginShownOut
    words: list[ProviderWordsOut]
    incidents: list[IncidentOut]
