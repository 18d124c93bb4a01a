"""Bodies of requests and responses for /openapi.json. Money is a string of USD, exact to 1e-9."""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from web.schema_fields import In, Plain, Usd, UsdChange


class HomeOut(BaseModel):
    """The description of this service."""

    name: str
    description: str
    base_url: str
    key: str = Field(description="How to get an API key")
    openapi: str


class HealthOut(BaseModel):
    status: Literal["healthy"]


class Ready(BaseModel):
    status: Literal["ready", "not_ready"]
    reasons: list[str]


ProviderStateOut: TypeAlias = Literal["closed", "open", "half_open", "resting", "drained"]
ProviderStatusOut: TypeAlias = Literal["answering", "failing", "resting", "drained", "no_key"]


class OfferOut(BaseModel):
    """The state of one model. `until`: the end of its rest in RFC 3339; null if the end is unknown."""

    model: str
    state: ProviderStateOut
    status: ProviderStatusOut
    until: str | None


class ProviderOut(BaseModel):
    """A provider's state. The admin key adds prices and limits; API keys are never shown."""

    model_config = ConfigDict(extra="allow")

    name: str
    configured: bool
    state: ProviderStateOut
    status: ProviderStatusOut
    since: str | None
    p50_first_token_ms: int | None
    offers: list[OfferOut]


class ProviderList(BaseModel):
    data: list[ProviderOut]


class ErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class Error(BaseModel):
    """The body of every error."""

    error: ErrorBody


class TenantOut(BaseModel):
    id: str
    telegram_user_id: int | None
    name: str
    plan: str
    wallet_usd: Usd
    held_usd: Usd
    owed_usd: Usd
    allowance_tokens: int
    allowance_left_tokens: int
    renews_at: str
    banned: bool


class TenantList(BaseModel):
    data: list[TenantOut]
    next: str | None


class TenantIn(In):
    name: Plain = Field(min_length=1, max_length=200)
    plan: str = "free"


class PlanIn(In):
    plan: str


class CreditIn(In):
    usd: UsdChange
    reason: Plain = Field(min_length=1, max_length=500)


class UsageOut(BaseModel):
    """Prompts and tokens of delivered answers. Waste is the cost of attempts whose answer was not delivered."""

    day: str
    model: str
    provider: str
    prompts: int
    input_tokens: int
    output_tokens: int
    allowance_tokens: int
    charge_usd: Usd
    cost_usd: Usd
    waste_usd: Usd


class OwnUsageOut(BaseModel):
    """Prompts and tokens of delivered answers, summed over all providers."""

    day: str
    model: str
    prompts: int
    input_tokens: int
    output_tokens: int
    allowance_tokens: int
    charge_usd: Usd


class OwnUsageList(BaseModel):
    data: list[OwnUsageOut]
    next: None = None


class UsageList(BaseModel):
    data: list[UsageOut]
    next: None = None


class MarginOut(BaseModel):
    day: str
    model: str
    provider: str
    charge_usd: Usd
    allowance_usd: Usd
    cost_usd: Usd
    waste_usd: Usd
    margin_usd: Usd


class MarginTotals(BaseModel):
    """Sums of the rows, Stars of the same days, and current liabilities: money received but not earned yet."""

    charge_usd: Usd
    allowance_usd: Usd
    cost_usd: Usd
    waste_usd: Usd
    margin_usd: Usd
    margin_percent: str | None = Field(description="Margin as a share of charges and allowance; null without sales")
    stars_paid: int
    stars_refunded: int
    stars_payout_usd: Usd
    liability_wallets_usd: Usd
    gifts_usd: Usd
    liability_allowances_usd: Usd
    liability_usd: Usd
    owed_by_tenants_usd: Usd


class MarginList(BaseModel):
    data: list[MarginOut]
    totals: MarginTotals
    next: None = None


class AuditOut(BaseModel):
    ok: bool
    checked: dict[str, int]
    problems: list[dict[str, Any]]


class ModelOut(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelOut]


class InvoiceOut(BaseModel):
    """The invoice of a month. `total_usd` is the amount paid by the wallet for services, VAT included."""

    id: str = Field(examples=["F-000001"])
    tenant_id: str
    month: str = Field(examples=["2026-10"])
    issued_at: str
    opening_usd: Usd
    total_usd: Usd
    net_usd: Usd
    vat_usd: Usd
    vat_percent: str
    closing_usd: Usd
    owed_usd: Usd


class InvoiceList(BaseModel):
    data: list[InvoiceOut]
    next: str | None


class InvoiceLine(BaseModel):
    day: str
    model: str
    answers: int
    input_tokens: int
    output_tokens: int
    allowance_tokens: int
    charge_usd: Usd


class InvoiceMovement(BaseModel):
    """Another change of the wallet; negative for a debit."""

    day: str
    kind: Literal["topup", "credit", "refund", "repayment", "plan", "plan_credit", "other"]
    reason: str
    amount_usd: Usd
    stars: int | None
    usd_per_star: Usd | None


class InvoiceFull(InvoiceOut):
    lines: list[InvoiceLine]
    movements: list[InvoiceMovement]
