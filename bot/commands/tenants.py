"""Operators: /tenants, /tenant, /setplan."""

from hashlib import sha256

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context, arguments
from bot.payments.payments import end_replaced
from engine.money import Money
from storage.billing import payments, plans, subscriptions
from storage.database.connection import Connection, moment
from storage.reports import usage
from storage.tenants import api_keys
from storage.tenants import tenants as units
from storage.tenants.tenants import TenantState

SHOWN = 20


async def show_all(_: Update, context: Context) -> None:
    await _page(context, None)


async def older(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _page(context, int(args[0]))


async def show(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/tenant ID", 1)
    if state is not None:
        await context.reply(
            _account(context, state) + await context.services.db.read(lambda conn: _details(conn, context, state))
        )


async def setplan(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/setplan ID PLAN", 2)
    if state is None:
        return
    plan = context.services.plans.get(arguments(context)[1])
    if plan is None:
        known = ", ".join(context.services.plans)
        await context.reply(context.t("admin.no_plan", plan=arguments(context)[1], plans=known))
        return
    text = context.t("admin.plan_sure", name=state.name or str(state.id), plan=plan.name, before=state.plan)
    await ask_first(context, text, "setplan", state.id, short_of(plan.name))


async def plan_confirmed(_: Update, context: Context, args: tuple[str, ...]) -> None:
    plan = next((each for each in context.services.plans.values() if short_of(each.name) == args[1]), None)
    state = await tenant_of(context, args[0])
    if plan is None or state is None:
        await nothing_done(_, context, args)
        return
    now = context.services.clock.now()
    changed = await context.services.db.write(lambda conn: plans.set_by_admin(conn, state.id, plan, now))
    await end_replaced(context, state.telegram_user_id)
    await context.edit_or_reply(context.t("admin.plan_set", name=state.name or str(state.id), plan=plan.name))
    if changed:
        await notify_tenant(context, state, "plan.changed", plan=plan.name)


async def ask_first(context: Context, text: str, command: str, *args: object) -> None:
    """Ask for a confirmation. The command's actions are `yes`, which gets `args`, and `no`."""
    owner = context.user.id
    buttons = [
        button(context.t("admin.yes"), command, "yes", *args, owner=owner),
        button(context.t("button.cancel"), command, "no", owner=owner),
    ]
    await context.reply(text, rows(buttons))


async def nothing_done(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Answer a question that was cancelled, or whose tenant, plan or payment no longer exists."""
    await context.edit_or_reply(context.t("admin.nothing_done"))


def short_of(name: str) -> str:
    """Return 16 hex digits that stand for a name, which may be too long for a button."""
    return sha256(name.encode()).hexdigest()[:16]


async def tenant_of(context: Context, tenant_id: str) -> TenantState | None:
    return await context.services.db.read(lambda conn: units.state(conn, int(tenant_id)))


async def notify_tenant(context: Context, state: TenantState, key: str, **values: object) -> None:
    """Tell a tenant about an operator's change, unless the tenant has no Telegram or blocks the bot."""
    if state.telegram_user_id is not None and not state.blocked:
        await context.notifier.notify(state.telegram_user_id, key, values)


async def read_amount(context: Context, text: str) -> Money | None:
    """Return an amount above zero, or None after saying the mistake."""
    try:
        amount = Money.usd(text)
    except ValueError:
        amount = Money(0)
    if amount > Money(0):
        return amount
    await context.reply(context.t("admin.bad_amount", text=text))
    return None


async def find_tenant(context: Context, usage_text: str, count: int) -> TenantState | None:
    """Return the tenant of the first argument, or None after naming the mistake."""
    given = arguments(context)
    if len(given) != count:
        await context.reply(context.t("admin.usage", usage=usage_text))
        return None
    found = await context.services.db.read(lambda conn: units.find(conn, given[0]))
    if found is None:
        await context.reply(context.t("admin.no_tenant", id=given[0]))
    return found


async def _page(context: Context, before: int | None) -> None:
    """Show SHOWN tenants, the newest first, of those made before the tenant `before`."""
    db = context.services.db
    count = await db.read(units.count)
    found = await db.read(lambda conn: units.newest(conn, before, SHOWN + 1))
    lines = "\n".join(_line(context, state) for state in found[:SHOWN])
    await context.reply(context.t("admin.tenants", count=count, lines=lines), _pager(context, found))


def _line(context: Context, state: TenantState) -> str:
    mark = context.t("admin.mark_banned") if state.banned else ""
    mark = mark or ("" if state.is_admitted else context.t(f"admin.mark_{state.access}"))
    return f"• {state.id} {state.name}: {state.plan}, {context.written(state.wallet)}{mark}"


def _pager(context: Context, found: list[TenantState]) -> InlineKeyboardMarkup | None:
    if len(found) <= SHOWN:
        return None
    last = found[SHOWN - 1].id
    return rows([button(context.t("admin.older"), "tenants", "older", last, owner=context.user.id)])


def _account(context: Context, state: TenantState) -> str:
    return context.t(
        "admin.tenant",
        name=state.name + (f" @{state.username}" if state.username else ""),
        id=str(state.id),
        telegram=str(state.telegram_user_id or "-"),
        plan=state.plan + (f" → {state.next_plan}" if state.next_plan else ""),
        left=state.allowance_left_tokens,
        allowance=state.allowance_tokens,
        renews=state.renews_at,
        wallet=state.wallet,
        held=state.held,
        owed=state.owed,
        banned=context.t("admin.banned") if state.banned else "",
    )


def _details(conn: Connection, context: Context, state: TenantState) -> str:
    """Return the start, access, this month's usage, keys, subscription and latest payments."""
    today = context.services.clock.now().date()
    used = usage.rows(conn, today.replace(day=1), today, state.id)
    text = context.t(
        "admin.tenant_more",
        since=state.created_at,
        access=context.t(f"admin.access_{state.access}"),
        terms=state.agreed_terms or "-",
        keys=api_keys.live_keys(conn, state.id),
        prompts=sum(row.prompts for row in used),
        charged=sum((row.charge for row in used), Money(0)),
        cost=sum((row.cost + row.waste for row in used), Money(0)),
        blocked=context.t("admin.blocked") if state.blocked else "",
    )
    subscription = subscriptions.current(conn, state.id)
    if subscription is not None:
        state_name = context.t(f"admin.subscription_{subscription.state}")
        text += context.t("admin.subscription", plan=subscription.plan, state=state_name, until=subscription.until)
    for paid in payments.latest(conn, state.id):
        refunded = context.t("admin.payment_refunded") if paid["refunded_at"] else ""
        day = moment(paid["paid_at"])
        text += context.t("admin.payment", day=day, stars=paid["stars"], charge=paid["charge_id"], refunded=refunded)
    return text


COMMANDS = (
    Command("tenants", show_all, 101, admin=True, buttons={"older": older}),
    Command("tenant", show, 102, admin=True),
    Command("setplan", setplan, 104, admin=True, buttons={"yes": plan_confirmed, "no": nothing_done}),
)
