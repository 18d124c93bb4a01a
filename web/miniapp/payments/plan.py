"""Plans: change, payment by a Stars subscription or from the wallet, cancel and resume, as in /plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from engine.ports import Clock
from engine.tenancy import Plan
from storage.billing import orders, plan_choice, plans, subscriptions
from storage.billing.orders import stars_for
from storage.billing.plan_choice import SUBSCRIPTION_SECONDS, PlanStep, current_subscription, renews_itself
from storage.billing.subscriptions import Subscription
from storage.database.connection import Connection
from storage.database.database import Database
from web.errors import HttpProblem, bad_request
from web.miniapp.access import MiniAppUser
from web.miniapp.answers import text
from web.miniapp.limits import TelegramCalls
from web.miniapp.payments.ports import TELEGRAM_SILENT, Payments
from web.miniapp.payments.schemas import PlanChangeOut, WayOut
from web.miniapp.payments.topup import MOST_DESCRIPTION, MOST_TITLE, bot_link, require_terms

STARS, WALLET = "stars", "wallet"


@dataclass(frozen=True, slots=True)
class PlanPages:
    """Changes a tenant's plan. Each change is answered with the bot's own sentence."""

    db: Database
    clock: Clock
    plans: Mapping[str, Plan]
    payments: Payments
    calls: TelegramCalls

    async def choose(self, user: MiniAppUser, name: str, pay: str | None) -> PlanChangeOut:
        """Choose a plan. If it costs money and `pay` is not given, the answer lists the ways to pay."""
        wanted, now = self._plan(name), self.clock.now()
        if pay == WALLET:
            return await self._from_wallet(user, wanted)
        subscription = await self._subscription(user)
        step = await self.db.read(
            lambda conn: plan_choice.step_to(
                conn,
                user.state,
                wanted,
                self.plans,
                subscription=subscription,
                plans_from=self.payments.plans_from,
                now=now,
            )
        )
        if step is PlanStep.PAY:
            require_terms(user)
            return await (self._invoice(user, wanted) if pay == STARS else self._ways(user, wanted))
        if step is PlanStep.LATER:
            return await self._later(user, wanted, subscription)
        return await self._keep(user, step, subscription)

    async def cancel(self, user: MiniAppUser) -> PlanChangeOut:
        """Cancel the subscription at the end of its period. Raises HttpProblem 409 if none would renew itself."""
        subscription = await self._subscription(user)
        if subscription is None or not renews_itself(subscription):
            raise _stale(user)
        await self._edit(user, subscription, cancelled=True)
        return done(text(user, "plan.cancelled", plan=subscription.plan, until=subscription.until))

    async def resume(self, user: MiniAppUser) -> PlanChangeOut:
        """Resume a subscription that was cancelled here or by the bot. Raises HttpProblem 409 for any other."""
        subscription = await self._subscription(user)
        if subscription is None or not subscription.by_us:
            raise _stale(user)
        return await self._keep(user, PlanStep.RESUME, subscription)

    async def _subscription(self, user: MiniAppUser) -> Subscription | None:
        now = self.clock.now()
        return await self.db.read(lambda conn: current_subscription(conn, user.state.id, now))

    async def _keep(self, user: MiniAppUser, step: PlanStep, subscription: Subscription | None) -> PlanChangeOut:
        unplan = partial(plans.schedule_plan, tenant_id=user.state.id, plan=None)
        if step is PlanStep.RESUME:
            assert subscription is not None
            await self._edit(user, subscription, cancelled=False)
            await self.db.write(unplan)
            return done(text(user, "plan.resumed", plan=subscription.plan, until=subscription.until))
        if step is PlanStep.STAY:
            await self.db.write(unplan)
            return done(text(user, "plan.stays", plan=user.state.plan))
        return done(text(user, "plan.same"))

    async def _later(self, user: MiniAppUser, wanted: Plan, subscription: Subscription | None) -> PlanChangeOut:
        """Change to a lower plan when the period ends. The subscription is cancelled at Telegram first."""
        if subscription is not None and renews_itself(subscription):
            await self._edit(user, subscription, cancelled=True)
        await self.db.write(lambda conn: plans.schedule_plan(conn, user.state.id, wanted.name))
        words = text(user, "plan.later", plan=wanted.name, renews=user.state.renews_at)
        if wanted.usd_per_month:
            by_stars = self.payments.plans_from == STARS
            words += " " + text(user, "plan.later_stars" if by_stars else "plan.later_wallet")
        return done(words)

    async def _ways(self, user: MiniAppUser, wanted: Plan) -> PlanChangeOut:
        """Return the ways to pay for a plan, and the sentence to show above them."""
        ways = plan_choice.ways_to_pay(user.state, wanted, self.payments.plans_from, self.payments.per_star)
        price, stars = wanted.usd_per_month, stars_for(wanted.usd_per_month, self.payments.per_star)
        offered = []
        if ways.stars:
            offered.append(WayOut(pay=STARS, text=text(user, "plan.pay_button", stars=stars)))
        if ways.wallet:
            offered.append(WayOut(pay=WALLET, text=text(user, "plan.wallet_button", usd=price)))
        if not offered:
            return done(text(user, "plan.same"))
        key = "plan.pay" if ways.stars else "plan.pay_wallet"
        words = text(user, key, plan=wanted.name, stars=stars, usd=price, wallet=user.state.wallet)
        return PlanChangeOut(done=False, text=words, ways=offered)

    async def _invoice(self, user: MiniAppUser, wanted: Plan) -> PlanChangeOut:
        """Make an order at today's price, and the link to its subscription."""
        if not plan_choice.ways_to_pay(user.state, wanted, self.payments.plans_from, self.payments.per_star).stars:
            raise _stale(user)
        self.calls.count(user.state.id)
        per_star, now = self.payments.per_star, self.clock.now()
        order = await self.db.write(
            lambda conn: orders.make_order(
                conn, user.state.id, orders.PLAN, wanted.usd_per_month, per_star, now, plan=wanted.name
            )
        )
        words = text(user, "plan.pay", plan=wanted.name, stars=order.stars)
        try:
            link = await self.payments.stars.invoice_link(
                f"Farthing {wanted.name}"[:MOST_TITLE],
                words[:MOST_DESCRIPTION],
                order.id,
                wanted.name,
                order.stars,
                period_seconds=SUBSCRIPTION_SECONDS,
            )
            username = await self.payments.stars.username()
        except OSError as error:
            raise TELEGRAM_SILENT.new() from error
        return PlanChangeOut(done=False, text=words, link=link, bot_link=bot_link(username, "plan"))

    async def _from_wallet(self, user: MiniAppUser, wanted: Plan) -> PlanChangeOut:
        """Buy a plan from the wallet at once, if the operator allows it.

        Raises HttpProblem 402 if the money is not enough.
        """
        if self.payments.plans_from == STARS:
            raise _stale(user)
        require_terms(user)
        now = self.clock.now()
        bought = await self.db.write(lambda conn: plans.buy_from_wallet(conn, user.state.id, wanted, self.plans, now))
        if bought.missing:
            words = text(user, "plan.wallet_short", missing=bought.missing.whole_cents_up())
            raise HttpProblem(402, words, type="insufficient_quota", code="wallet_short")
        if not bought.done:
            return done(text(user, "plan.same"))
        await self._end_replaced(user)
        words = text(user, "plan.changed", plan=wanted.name)
        if bought.credited:
            words += "\n" + text(user, "plan.unused", usd=bought.credited)
        return done(words)

    async def _edit(self, user: MiniAppUser, subscription: Subscription, *, cancelled: bool) -> None:
        """Cancel or resume at Telegram, then store the new state. Raises HttpProblem if Telegram refuses."""
        assert user.state.telegram_user_id is not None
        self.calls.count(user.state.id)
        result = await self.payments.stars.edit(subscription, user.state.telegram_user_id, cancelled=cancelled)
        if result is None:
            raise TELEGRAM_SILENT.new()
        if not result:
            raise HttpProblem(409, text(user, "plan.telegram_refused"), code="telegram_refused")
        state = "canceled" if cancelled else "active"

        def unit(conn: Connection) -> None:
            subscriptions.record_state(conn, subscription.order_id, state, by_us=cancelled)

        await self.db.write(unit)

    async def _end_replaced(self, user: MiniAppUser) -> None:
        """Cancel the user's replaced subscriptions at Telegram. A job retries failures."""
        for replaced, user_id in await self.db.read(subscriptions.to_cancel):
            if replaced.tenant_id == user.state.id and await self.payments.stars.edit(
                replaced, user_id, cancelled=True
            ):
                await self.db.write(partial(subscriptions.mark_canceled, order_id=replaced.order_id))

    def _plan(self, name: str) -> Plan:
        if name not in self.plans:
            raise bad_request("plan", f"plan: {name!r} does not exist; choose one of {', '.join(self.plans)}.")
        return self.plans[name]


def done(words: str) -> PlanChangeOut:
    return PlanChangeOut(done=True, text=words)


def _stale(user: MiniAppUser) -> HttpProblem:
    return HttpProblem(409, text(user, "app.stale"), code="stale")
