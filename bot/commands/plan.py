"""/plan: see, choose, pay by a Stars subscription, cancel."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice, Update
from telegram.error import TelegramError

from bot.command import Command, button, rows
from bot.commands.terms import agreed
from bot.context import Context
from engine.tenancy import Plan
from storage import payments, plans
from storage.connection import moment
from storage.payments import stars_for

SUBSCRIPTION_SECONDS = 2_592_000
MOST_STARS = 10_000


async def plan(_: Update, context: Context) -> None:
    state, services = await context.state(fresh=True), context.services
    lines = "\n".join(
        context.t(
            "plan.line",
            name=each.name,
            usd=str(each.usd_per_month),
            tokens=f"{each.tokens_per_month:,}",
            rpm=each.requests_per_minute,
        )
        for each in services.plans.values()
    )
    text = context.t(
        "plan.now",
        plan=state.plan,
        left=f"{state.allowance_left_tokens:,}",
        allowance=f"{state.allowance_tokens:,}",
        renews=f"{state.renews_at:%Y-%m-%d}",
        wallet=str(state.wallet),
        next=context.t("plan.next", plan=state.next_plan) if state.next_plan else "",
        lines=lines,
    )
    running = await services.db.read(lambda conn: payments.subscription(conn, state.id))
    await context.reply(text, _keyboard(context, state.plan, running["state"] if running else None))


async def opened(update: Update, context: Context, _: tuple[str, ...]) -> None:
    await plan(update, context)


async def choose(_: Update, context: Context, args: tuple[str, ...]) -> None:
    state, services = await context.state(), context.services
    wanted = services.plans.get(args[0])
    if wanted is None or wanted.name == state.plan:
        await context.reply(context.t("plan.same"))
        return
    current = services.plans.get(state.plan)
    if not wanted.usd_per_month or (current and wanted.usd_per_month < current.usd_per_month):
        await _down(context, wanted)
    elif await agreed(context):
        await _offer(context, wanted)


async def _down(context: Context, wanted: Plan) -> None:
    state, services = await context.state(), context.services
    now = services.clock.now()
    changed = await services.db.write(lambda conn: plans.change(conn, state.id, wanted, services.plans, now))
    key = "plan.changed" if changed.at_once else "plan.later"
    await context.reply(context.t(key, plan=wanted.name, renews=f"{state.renews_at:%Y-%m-%d}"))


async def _offer(context: Context, wanted: Plan) -> None:
    """A link, since subscriptions can't be plain invoices; its payload is our order."""
    state, services = await context.state(), context.services
    order = await services.db.write(
        lambda conn: payments.make_order(
            conn,
            state.id,
            payments.PLAN,
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
    pay = InlineKeyboardButton(context.t("plan.pay_button", stars=order.stars), url=link)
    await context.reply(context.t("plan.pay", plan=wanted.name, stars=order.stars), InlineKeyboardMarkup([[pay]]))


async def cancel(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _renewing(context, cancelled=True)


async def resume(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _renewing(context, cancelled=False)


async def _renewing(context: Context, *, cancelled: bool) -> None:
    state, services = await context.state(), context.services
    running = await services.db.read(lambda conn: payments.subscription(conn, state.id))
    if running is None:
        await context.reply(context.t("button.stale"))
        return
    try:
        await context.bot.edit_user_star_subscription(context.user.id, running["charge_id"], cancelled)
    except TelegramError as error:
        await context.reply(context.t("admin.refund_failed", reason=str(error)))
        return
    word = "canceled" if cancelled else "active"
    await services.db.write(lambda conn: payments.cancel_subscription(conn, state.id, word))
    until = f"{moment(running['until_at']):%Y-%m-%d}"
    await context.reply(context.t("plan.cancelled" if cancelled else "plan.resumed", until=until))


def _keyboard(context: Context, current: str, subscription: str | None) -> InlineKeyboardMarkup:
    owner, per_star = context.user.id, context.services.config.per_star
    choices = [
        button(
            _label(context, each, stars_for(each.usd_per_month, per_star)),
            "plan",
            "set",
            each.name,
            owner=owner,
        )
        for each in context.services.plans.values()
        if each.name != current and stars_for(each.usd_per_month, per_star) <= MOST_STARS
    ]
    if subscription == "active":
        choices.append(button(context.t("plan.cancel"), "plan", "cancel", owner=owner))
    elif subscription == "canceled":
        choices.append(button(context.t("plan.resume"), "plan", "resume", owner=owner))
    return rows(choices, width=1)


def _label(context: Context, each: Plan, stars: int) -> str:
    return context.t("plan.choose", name=each.name, stars=stars) if stars else context.t("plan.free", name=each.name)


COMMAND = Command("plan", plan, 7, buttons={"open": opened, "set": choose, "cancel": cancel, "resume": resume})
