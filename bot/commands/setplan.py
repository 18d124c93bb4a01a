"""Operators: /setplan ID PLAN starts a plan at once. The bot asks for confirmation; a button undoes the change."""

from telegram import Update

from bot.command import Command
from bot.context import Context, arguments
from bot.formatting.literal import as_shown
from bot.operators.confirming import about_oneself, ask_first, nothing_done, short_of, undo_button
from bot.operators.finding import find_tenant, name_of, notify_tenant, operator, tenant_of
from bot.payments.payments import end_replaced
from engine.tenancy import Plan
from storage.billing import plans
from storage.database.connection import Connection
from storage.operations import operator_log
from storage.tenants.tenants import TenantState


async def setplan(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/setplan ID PLAN", after=1)
    if state is None:
        return
    plan = context.services.plans.get(arguments(context)[-1])
    if plan is None:
        known = ", ".join(context.services.plans)
        await context.reply(context.t("admin.no_plan", plan=as_shown(arguments(context)[-1]), plans=known))
        return
    await _ask(context, state, plan)


async def ask(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for confirmation of the plan chosen on the tenant's card."""
    state, plan = await tenant_of(context, args[0]), _plan(context, args[1])
    if state is None or plan is None:
        await nothing_done(update, context, args)
    else:
        await _ask(context, state, plan)


async def _ask(context: Context, state: TenantState, plan: Plan) -> None:
    if plan.name == state.plan and state.next_plan is None:
        await context.reply(context.t("admin.plan_already", name=name_of(state), plan=plan.name))
        return
    sure = context.t("admin.plan_sure", name=name_of(state), plan=plan.name, before=state.plan)
    await ask_first(context, about_oneself(context, state) + sure, "setplan", state.id, short_of(plan.name))


async def confirmed(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(update, context, args, "set plan")


async def undo(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Return to the plan before. The credit for the unused time of the other plan stays in the wallet."""
    await _change(update, context, args, "undo: set plan")


async def _change(update: Update, context: Context, args: tuple[str, ...], action: str) -> None:
    state, plan = await tenant_of(context, args[0]), _plan(context, args[1])
    if plan is None or state is None:
        await nothing_done(update, context, args)
        return
    now, by = context.services.clock.now(), operator(context)

    def unit(conn: Connection) -> bool:
        changed = plans.set_by_admin(conn, state.id, plan, now)
        operator_log.record(conn, by, action, now, tenant=state.id, detail=f"{state.plan} → {plan.name}")
        return changed

    changed = await context.services.db.write(unit)
    await end_replaced(context, state.telegram_user_id)
    can_undo = changed and state.plan in context.services.plans and action == "set plan"
    keyboard = undo_button(context, "setplan", state.id, short_of(state.plan)) if can_undo else None
    await context.edit_or_reply(context.t("admin.plan_set", name=name_of(state), plan=plan.name), keyboard)
    if changed:
        await notify_tenant(context, state, "plan.changed", plan=plan.name)


def _plan(context: Context, short: str) -> Plan | None:
    """Return the plan that a button names; None if it is no longer configured."""
    return next((each for each in context.services.plans.values() if short_of(each.name) == short), None)


COMMAND = Command(
    "setplan", setplan, 104, admin=True, buttons={"ask": ask, "yes": confirmed, "undo": undo, "no": nothing_done}
)
