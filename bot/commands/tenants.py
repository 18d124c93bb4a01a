"""Operators: /tenants, /tenant, /credit, /setplan, /ban, /unban, /refund."""

import secrets

from telegram import Update
from telegram.error import TelegramError

from bot.command import Command
from bot.context import Context, arguments
from engine.money import Money
from storage import ledger, payments, plans
from storage import tenants as units
from storage.tenants import TenantState

SHOWN = 20


async def listing(_: Update, context: Context) -> None:
    db = context.services.db
    count = await db.read(units.count)
    found = await db.read(lambda conn: units.page(conn, max(0, count - SHOWN), SHOWN))
    lines = "\n".join(f"• {s.id} {s.name}: {s.plan}, {s.wallet} USD" for s in reversed(found))
    await context.reply(context.t("admin.tenants", count=count, lines=lines))


async def one(_: Update, context: Context) -> None:
    state = await _tenant(context, "/tenant ID", 1)
    if state is not None:
        await context.reply(_shown(context, state))


async def credit(update: Update, context: Context) -> None:
    state = await _tenant(context, "/credit ID USD", 2)
    if state is None:
        return
    try:
        amount = Money.usd(arguments(context)[1])
    except ValueError:
        amount = Money(0)
    if amount <= Money(0):
        await context.reply(context.t("admin.bad_amount", text=arguments(context)[1]))
        return
    now = context.services.clock.now()
    # The update's own number: delivered twice, it credits once.
    ref = f"admin:{context.request_id}" if update.update_id else f"admin:{secrets.token_hex(8)}"
    reason = f"by operator {context.user.id}"
    await context.services.db.write(lambda conn: ledger.credit(conn, state.id, amount, ref=ref, reason=reason, now=now))
    fresh = await context.services.db.read(lambda conn: units.state(conn, state.id))
    assert fresh is not None
    await context.reply(context.t("admin.credited", name=state.name or state.id, wallet=str(fresh.wallet)))


async def setplan(_: Update, context: Context) -> None:
    state = await _tenant(context, "/setplan ID PLAN", 2)
    if state is None:
        return
    plan = context.services.plans.get(arguments(context)[1])
    if plan is None:
        known = ", ".join(context.services.plans)
        await context.reply(context.t("admin.no_plan", plan=arguments(context)[1], plans=known))
        return
    now = context.services.clock.now()
    await context.services.db.write(lambda conn: plans.set_by_admin(conn, state.id, plan, now))
    await context.reply(context.t("admin.plan_set", name=state.name or state.id, plan=plan.name))


async def ban(_: Update, context: Context) -> None:
    await _set_banned(context, "/ban ID", banned=True)


async def unban(_: Update, context: Context) -> None:
    await _set_banned(context, "/unban ID", banned=False)


async def accept(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), banned=False)


async def refuse(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), banned=True)


async def _decide(context: Context, tenant_id: int, *, banned: bool) -> None:
    """A stranger asked to come in: the operator's word, told to both."""
    db = context.services.db
    await db.write(lambda conn: units.set_banned(conn, tenant_id, banned))
    state = await db.read(lambda conn: units.state(conn, tenant_id))
    assert state is not None
    await context.reply(context.t("admin.ban_done" if banned else "admin.unban_done", name=state.name or state.id))
    if not banned and state.telegram_user_id is not None:
        await context.services.notifier(context.bot).tell(state.telegram_user_id, "access.welcome", {})


async def refund(_: Update, context: Context) -> None:
    """Telegram first: only what it gave back is booked."""
    if len(arguments(context)) != 1:
        await context.reply(context.t("admin.usage", usage="/refund CHARGE_ID"))
        return
    charge_id, services = arguments(context)[0], context.services
    payer = await services.db.read(lambda conn: payments.payer_of(conn, charge_id))
    if payer is None:
        await context.reply(context.t("admin.refund_unknown"))
        return
    try:
        await context.bot.refund_star_payment(payer, charge_id)
    except TelegramError as error:
        if "ALREADY_REFUNDED" not in str(error).upper():
            await context.reply(context.t("admin.refund_failed", reason=str(error)))
            return
    done = await services.db.write(lambda conn: payments.refund(conn, charge_id, services.clock.now()))
    assert done is not None
    key = "admin.refund_done" if done.fresh else "admin.refund_twice"
    await context.reply(context.t(key, taken=str(done.taken), owed=str(done.owed)))


async def _set_banned(context: Context, usage: str, *, banned: bool) -> None:
    state = await _tenant(context, usage, 1)
    if state is not None:
        await context.services.db.write(lambda conn: units.set_banned(conn, state.id, banned))
        await context.reply(context.t("admin.ban_done" if banned else "admin.unban_done", name=state.name or state.id))


async def _tenant(context: Context, usage: str, count: int) -> TenantState | None:
    """The tenant named first; says what is wrong where there is none."""
    words = arguments(context)
    if len(words) != count:
        await context.reply(context.t("admin.usage", usage=usage))
        return None
    found = await context.services.db.read(lambda conn: units.find(conn, words[0]))
    if found is None:
        await context.reply(context.t("admin.no_tenant", id=words[0]))
    return found


def _shown(context: Context, state: TenantState) -> str:
    return context.t(
        "admin.tenant",
        name=state.name,
        id=state.id,
        telegram=state.telegram_user_id or "-",
        plan=state.plan,
        left=f"{state.allowance_left_tokens:,}",
        allowance=f"{state.allowance_tokens:,}",
        renews=f"{state.renews_at:%Y-%m-%d}",
        wallet=str(state.wallet),
        held=str(state.held),
        owed=str(state.owed),
        banned=context.t("admin.banned") if state.banned else "",
    )


COMMANDS = (
    Command("tenants", listing, 101, admin=True),
    Command("tenant", one, 102, admin=True),
    Command("credit", credit, 103, admin=True),
    Command("setplan", setplan, 104, admin=True),
    Command("ban", ban, 105, admin=True, buttons={"refuse": refuse}),
    Command("unban", unban, 106, admin=True, buttons={"accept": accept}),
    Command("refund", refund, 109, admin=True),
)
