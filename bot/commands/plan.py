"""/plan: show and choose plans, pay by a Stars subscription or from the wallet, cancel, resume."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice, Update

from bot.buttons import button, rows
from bot.command import Command, Topic
from bot.commands.terms import agreed
from bot.context import Context, arguments
from bot.payments import stars
from bot.payments.payments import end_replaced
from engine.tenancy import Plan
from storage.billing import orders, plan_choice, plans, subscriptions
from storage.billing.orders import stars_for
from storage.billing.plan_choice import SUBSCRIPTION_SECONDS, PlanStep, renews_itself
from storage.billing.subscriptions import Subscription
from storage.database.connection import Connection
from storage.ledger import daily_answers
from storage.tenants.tenants import TenantState


async def plan(update: Update, context: Context) -> None:
    """Show the plans, or choose the one that is named after the command."""
    word = " ".join(arguments(context)).lower()
    wanted = next((name for name in context.services.plans if name.lower() == word), None)
    if wanted is not None:
        await choose(update, context, (wanted,))
    elif word:
        await context.reply(context.t("plan.takes", names=", ".join(context.services.plans)))
    else:
        await context.reply(*await _panel(context))


async def open_plans(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.reply(*await _panel(context))


async def go_back(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.edit_or_reply(*await _panel(context))


async def _panel(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    state, services = await context.state(fresh=True), context.services
    lines = "\n".join(
        context.t(
            "plan.line",
            name=each.name,
            usd=each.usd_per_month,
            tokens=each.tokens_per_month,
            rpm=each.requests_per_minute,
            daily=context.t("plan.daily", n=each.answers_per_day) if each.answers_per_day else "",
        )
        for each in services.plans.values()
    )
    subscription = await _current_subscription(context, state)
    text = context.t(
        "plan.now",
        plan=state.plan,
        left=state.allowance_left_tokens,
        allowance=state.allowance_tokens,
        renews=state.renews_at,
        wallet=state.wallet,
        today=await answers_today(context, state),
        next=context.t("plan.next", plan=state.next_plan) if state.next_plan else "",
        lines=lines,
    )
    if subscription is not None:
        text += "\n\n" + context.t(f"plan.is_{subscription.state}", plan=subscription.plan, until=subscription.until)
    return text, _keyboard(context, state, subscription)


async def answers_today(context: Context, state: TenantState) -> str:
    """Return a line about the answers of this UTC day; "" if the plan has no daily limit."""
    services = context.services
    plan_now = services.plans.get(state.plan)
    if plan_now is None or not plan_now.answers_per_day:
        return ""
    used = await services.db.read(lambda conn: daily_answers.count(conn, state.id, services.clock.now()))
    return context.t("plan.today", used=used, limit=plan_now.answers_per_day)


async def choose(_: Update, context: Context, args: tuple[str, ...]) -> None:
    state, services = await context.state(fresh=True), context.services
    wanted = services.plans.get(args[0])
    if wanted is None:
        await context.answer_press(context.t("button.stale"), alert=True)
        return
    subscription = await _current_subscription(context, state)
    step = await services.db.read(
        lambda conn: plan_choice.step_to(
            conn,
            state,
            wanted,
            services.plans,
            subscription=subscription,
            plans_from=services.config.plans_from,
            now=services.clock.now(),
        )
    )
    if step is PlanStep.LATER:
        await _downgrade(context, state, wanted, subscription)
    elif step is not PlanStep.PAY:
        await _keep(context, state, step, subscription)
    elif await agreed(context, "plan", "set", wanted.name):
        await _offer(context, state, wanted)


async def from_wallet(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Buy a plan from the wallet at once, if the operator allows it."""
    state, services = await context.state(), context.services
    wanted, now = services.plans.get(args[0]), services.clock.now()
    if wanted is None or services.config.plans_from == "stars":
        await context.answer_press(context.t("button.stale"), alert=True)
        return
    bought = await services.db.write(lambda conn: plans.buy_from_wallet(conn, state.id, wanted, services.plans, now))
    if bought.missing:
        topup = button(context.t("button.topup"), "topup", "open", owner=context.user.id)
        await _say(context, context.t("plan.wallet_short", missing=bought.missing.whole_cents_up()), topup)
    elif not bought.done:
        await context.answer_press(context.t("plan.same"), alert=True)
    else:
        await end_replaced(context)
        credited = context.t("plan.unused", usd=bought.credited) if bought.credited else ""
        await _say(context, context.t("plan.changed", plan=wanted.name) + credited)


async def cancel(_: Update, context: Context, __: tuple[str, ...]) -> None:
    subscription = await _current_subscription(context, await context.state())
    if subscription is not None and subscription.state != "canceled":
        if await _edit_at_telegram(context, subscription, cancelled=True):
            text = context.t("plan.cancelled", plan=subscription.plan, until=subscription.until)
            await _say(context, text, _resume(context))
    else:
        await context.answer_press(context.t("button.stale"), alert=True)


async def resume(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Resume a subscription that the bot has cancelled, and drop the planned change of plan."""
    state = await context.state()
    subscription = await _current_subscription(context, state)
    if subscription is None or not subscription.by_us:
        await context.answer_press(context.t("button.stale"), alert=True)
    else:
        await _resume_now(context, state, subscription)


async def _resume_now(context: Context, state: TenantState, subscription: Subscription) -> None:
    if await _edit_at_telegram(context, subscription, cancelled=False):
        await context.services.db.write(lambda conn: plans.schedule_plan(conn, state.id, None))
        await _say(context, context.t("plan.resumed", plan=subscription.plan, until=subscription.until))


async def _keep(context: Context, state: TenantState, step: PlanStep, subscription: Subscription | None) -> None:
    """Keep the current plan: resume its subscription, drop a planned change, or tell that nothing changes."""
    if step is PlanStep.RESUME:
        assert subscription is not None
        await _resume_now(context, state, subscription)
    elif step is PlanStep.STAY:
        await context.services.db.write(lambda conn: plans.schedule_plan(conn, state.id, None))
        await _say(context, context.t("plan.stays", plan=state.plan))
    else:
        await context.answer_press(context.t("plan.same"), alert=True)


async def _downgrade(context: Context, state: TenantState, wanted: Plan, subscription: Subscription | None) -> None:
    """Change to a lower plan when the period ends. The subscription is cancelled at Telegram first."""
    if renews_itself(subscription):
        assert subscription is not None
        if not await _edit_at_telegram(context, subscription, cancelled=True):
            return
    await context.services.db.write(lambda conn: plans.schedule_plan(conn, state.id, wanted.name))
    text = context.t("plan.later", plan=wanted.name, renews=state.renews_at)
    if wanted.usd_per_month:
        key = "plan.later_stars" if context.services.config.plans_from == "stars" else "plan.later_wallet"
        text += " " + context.t(key)
    await _say(context, text, *([_resume(context)] if subscription is not None and subscription.is_current else []))


async def _offer(context: Context, state: TenantState, wanted: Plan) -> None:
    """Offer payment by a Stars subscription (which needs a link), from the wallet, or both, as the operator allows."""
    per_star = context.services.config.per_star
    ways = plan_choice.ways_to_pay(state, wanted, context.services.config.plans_from, per_star)
    buttons = [await _link(context, state, wanted)] if ways.stars else []
    price = wanted.usd_per_month
    if ways.wallet:
        wallet = button(
            context.t("plan.wallet_button", usd=price), "plan", "wallet", wanted.name, owner=context.user.id
        )
        buttons.append(wallet)
    if not buttons:
        await context.answer_press(context.t("plan.same"), alert=True)
        return
    key = "plan.pay" if ways.stars else "plan.pay_wallet"
    stars_asked = stars_for(wanted.usd_per_month, per_star)
    text = context.t(key, plan=wanted.name, stars=stars_asked, usd=price, wallet=state.wallet)
    await _say(context, text, *buttons)


async def _link(context: Context, state: TenantState, wanted: Plan) -> InlineKeyboardButton:
    """Return a button with an invoice link. The invoice's payload is an order at today's price."""
    services = context.services
    order = await services.db.write(
        lambda conn: orders.make_order(
            conn,
            state.id,
            orders.PLAN,
            wanted.usd_per_month,
            services.config.per_star,
            services.clock.now(),
            plan=wanted.name,
        )
    )
    link = await context.bot.create_invoice_link(
        title=f"Farthing {wanted.name}"[:32],
        description=context.t("plan.pay", plan=wanted.name, stars=order.stars).replace("*", "")[:255],
        payload=order.id,
        currency="XTR",
        prices=[LabeledPrice(wanted.name, order.stars)],
        subscription_period=SUBSCRIPTION_SECONDS,
    )
    return InlineKeyboardButton(context.t("plan.pay_button", stars=order.stars), url=link)


async def _edit_at_telegram(context: Context, subscription: Subscription, *, cancelled: bool) -> bool:
    """Cancel or resume at Telegram, then store the new state. If Telegram refuses, tell the user and return False."""
    done = await stars.edit(context.bot, subscription, context.user.id, cancelled=cancelled)
    if not done:
        await _say(context, context.t("plan.telegram_refused" if done is False else "plan.telegram_silent"))
        return False
    state_name = "canceled" if cancelled else "active"

    def unit(conn: Connection) -> None:
        subscriptions.record_state(conn, subscription.order_id, state_name, by_us=cancelled)

    await context.services.db.write(unit)
    return True


async def _current_subscription(context: Context, state: TenantState) -> Subscription | None:
    """Return the tenant's subscription, or None if it ended more than the grace time ago."""
    services = context.services
    now = services.clock.now()
    return await services.db.read(lambda conn: plan_choice.current_subscription(conn, state.id, now))


async def _say(context: Context, text: str, *buttons: InlineKeyboardButton) -> None:
    """Answer a press by replacing its message; a button leads back to the plans."""
    back = button(context.t("history.back"), "plan", "back", owner=context.user.id)
    await context.edit_or_reply(text, rows([*buttons, back], width=1))


def _resume(context: Context) -> InlineKeyboardButton:
    return button(context.t("plan.resume"), "plan", "resume", owner=context.user.id)


def _keyboard(context: Context, state: TenantState, subscription: Subscription | None) -> InlineKeyboardMarkup:
    owner = context.user.id
    choices = [
        button(_label(context, each), "plan", "set", each.name, owner=owner)
        for each in context.services.plans.values()
        if each.name != state.plan and _is_for_sale(context, each)
    ]
    if state.next_plan or (subscription is not None and subscription.state == "canceled" and not subscription.by_us):
        choices.append(button(context.t("plan.keep", plan=state.plan), "plan", "set", state.plan, owner=owner))
    if renews_itself(subscription):
        choices.append(button(context.t("plan.cancel"), "plan", "cancel", owner=owner))
    elif subscription is not None and subscription.by_us:
        choices.append(button(context.t("plan.resume"), "plan", "resume", owner=owner))
    return rows(choices, width=1)


def _is_for_sale(context: Context, each: Plan) -> bool:
    config = context.services.config
    return plan_choice.is_for_sale(each, config.plans_from, config.per_star)


def _label(context: Context, each: Plan) -> str:
    config = context.services.config
    if not each.usd_per_month:
        return context.t("plan.free", name=each.name)
    if config.plans_from == "wallet":
        return context.t("plan.choose_usd", name=each.name, usd=each.usd_per_month)
    return context.t("plan.choose", name=each.name, stars=stars_for(each.usd_per_month, config.per_star))


COMMAND = Command(
    "plan",
    plan,
    7,
    topic=Topic.MONEY,
    ephemeral=True,
    buttons={
        "open": open_plans,
        "back": go_back,
        "set": choose,
        "wallet": from_wallet,
        "cancel": cancel,
        "resume": resume,
    },
)
