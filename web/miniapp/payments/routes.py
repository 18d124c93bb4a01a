"""The routes of plans, and GET /app/payments: wallet, amounts, plans and subscription."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from engine.tenancy import Plan
from storage.billing import plan_choice
from storage.billing.orders import stars_for
from storage.billing.plan_choice import current_subscription, renews_itself
from storage.billing.subscriptions import Subscription
from storage.tenants.terms import TERMS_VERSION
from web.miniapp.access import MiniAppUser, current_user
from web.miniapp.answers import PRIVATE, app_errors, text, written
from web.miniapp.payments.plan import PlanPages
from web.miniapp.payments.schemas import PaymentsOut, PlanChangeIn, PlanChangeOut, PlanLineOut, SubscriptionOut
from web.miniapp.payments.topup import amounts, bot_link
from web.openapi_parts import BODY_ERRORS

User = Annotated[MiniAppUser, Depends(current_user)]


@dataclass(frozen=True, slots=True)
class PaymentPages:
    """Reads the things that a tenant can pay for."""

    plan_pages: PlanPages

    async def read(self, user: MiniAppUser) -> PaymentsOut:
        pages, state, now = self.plan_pages, user.state, self.plan_pages.clock.now()
        payments = pages.payments
        found = await pages.db.read(lambda conn: current_subscription(conn, state.id, now))
        return PaymentsOut.model_validate(
            {
                "wallet": written(user, state.wallet),
                "owed": text(user, "topup.owed", owed=state.owed) if state.owed else None,
                "plan": state.plan,
                "next_plan": text(user, "plan.next", plan=state.next_plan) if state.next_plan else None,
                "topups": amounts(user, payments),
                "range": text(user, "app.amounts", least=payments.topup_least, most=payments.topup_most),
                "plans": [self._line(user, each, found) for each in pages.plans.values()],
                "subscription": None if found is None else _subscription(user, found),
                "agreed_terms": state.agreed_terms == TERMS_VERSION,
                "bot_link": await self._bot_link(),
            }
        )

    async def _bot_link(self) -> str | None:
        """Return a link to /topup in the bot; None while Telegram does not answer."""
        try:
            return bot_link(await self.plan_pages.payments.stars.username(), "topup")
        except OSError:
            return None

    def _line(self, user: MiniAppUser, plan: Plan, subscription: Subscription | None) -> PlanLineOut:
        daily = text(user, "plan.daily", n=plan.answers_per_day) if plan.answers_per_day else ""
        words = text(
            user,
            "plan.line",
            name=plan.name,
            usd=plan.usd_per_month,
            tokens=plan.tokens_per_month,
            rpm=plan.requests_per_minute,
            daily=daily,
        )
        is_current = plan.name == user.state.plan
        return PlanLineOut(
            name=plan.name,
            text=words.partition(": ")[2],
            is_current=is_current,
            label=self._label(user, plan, subscription, is_current=is_current),
        )

    def _label(
        self, user: MiniAppUser, plan: Plan, subscription: Subscription | None, *, is_current: bool
    ) -> str | None:
        payments, state = self.plan_pages.payments, user.state
        if is_current:
            ends = subscription is not None and subscription.state == "canceled" and not subscription.by_us
            return text(user, "plan.keep", plan=plan.name) if state.next_plan or ends else None
        if not plan_choice.is_for_sale(plan, payments.plans_from, payments.per_star):
            return None
        if not plan.usd_per_month:
            return text(user, "plan.free", name=plan.name)
        if payments.plans_from == "wallet":
            return text(user, "plan.choose_usd", name=plan.name, usd=plan.usd_per_month)
        return text(user, "plan.choose", name=plan.name, stars=stars_for(plan.usd_per_month, payments.per_star))


def _subscription(user: MiniAppUser, found: Subscription) -> SubscriptionOut:
    words = text(user, f"plan.is_{found.state}", plan=found.plan, until=found.until)
    return SubscriptionOut(text=words, can_cancel=renews_itself(found), can_resume=found.by_us)


def router(pages: PaymentPages) -> APIRouter:
    routes = APIRouter(prefix="/app", tags=["mini app"])
    changes = pages.plan_pages

    @routes.get("/payments", summary="Wallet, amounts, plans and subscription", responses=app_errors())
    async def read(user: User, response: Response) -> PaymentsOut:
        response.headers.update(PRIVATE)
        return await pages.read(user)

    @routes.post(
        "/plan",
        summary="Choose a plan: a sentence, the ways to pay, or the link of an invoice",
        responses=app_errors(*BODY_ERRORS, 402, 409, 502),
    )
    async def choose(user: User, asked: PlanChangeIn, response: Response) -> PlanChangeOut:
        response.headers.update(PRIVATE)
        return await changes.choose(user, asked.plan, asked.pay)

    @routes.post("/plan/cancel", summary="Cancel the subscription", responses=app_errors(409, 502))
    async def cancel(user: User, response: Response) -> PlanChangeOut:
        response.headers.update(PRIVATE)
        return await changes.cancel(user)

    @routes.post("/plan/resume", summary="Resume the subscription", responses=app_errors(409, 502))
    async def resume(user: User, response: Response) -> PlanChangeOut:
        response.headers.update(PRIVATE)
        return await changes.resume(user)

    return routes
