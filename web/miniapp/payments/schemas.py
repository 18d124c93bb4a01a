"""Bodies of the Mini App's payments."""

from typing import Literal

from pydantic import BaseModel, Field

from web.schema_fields import In


class AmountOut(BaseModel):
    """One of the listed amounts: `amount` is sent back to order it, `text` is on its button."""

    amount: str
    text: str


class PlanLineOut(BaseModel):
    """A plan that can be chosen, or the current one."""

    name: str
    text: str
    is_current: bool
    label: str | None = Field(description="The text of its button; null if there is nothing to choose")


class SubscriptionOut(BaseModel):
    text: str
    can_cancel: bool
    can_resume: bool


class PaymentsOut(BaseModel):
    """The wallet, the amounts and plans on offer, and the subscription."""

    wallet: str
    owed: str | None
    plan: str
    next_plan: str | None
    topups: list[AmountOut]
    range: str
    plans: list[PlanLineOut]
    subscription: SubscriptionOut | None
    agreed_terms: bool
    bot_link: str | None


class PlanChangeIn(In):
    plan: str
    pay: Literal["stars", "wallet"] | None = None


class WayOut(BaseModel):
    pay: Literal["stars", "wallet"]
    text: str


class PlanChangeOut(BaseModel):
    """The result of a choice: a sentence; ways to pay; or links to an invoice and to /plan in the bot."""

    done: bool
    text: str
    ways: list[WayOut] = []
    link: str | None = None
    bot_link: str | None = None
