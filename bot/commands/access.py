"""Operators: /access, /ban, /unban, and the buttons that accept or decline a new user."""

from telegram import Update

from bot.command import Command
from bot.context import Context
from bot.operators.confirming import ask_first, nothing_done, undo_button
from bot.operators.finding import find_tenant, name_of, notify_tenant, operator, tenant_of
from storage.database.connection import Connection
from storage.operations import operator_actions, operator_log
from storage.tenants import tenant_settings, tenants
from storage.tenants.tenants import TenantState


async def ban(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/ban ID")
    if state is not None:
        await _ask_ban(context, state)


async def ask_ban(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for confirmation before banning the tenant whose card has the button."""
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(update, context, args)
    else:
        await _ask_ban(context, state)


async def _ask_ban(context: Context, state: TenantState) -> None:
    """Ask for confirmation.

    Operators, including oneself, can't be banned: it would lock out those who run the service.
    """
    if state.telegram_user_id in context.services.config.admin_ids:
        await context.reply(context.t("admin.ban_operator", name=name_of(state)))
        return
    if state.banned:
        await context.reply(context.t("admin.ban_already", name=name_of(state)))
        return
    sure = context.t("admin.ban_sure", name=name_of(state), wallet=state.wallet)
    await ask_first(context, sure, "ban", state.id)


async def ban_confirmed(_: Update, context: Context, args: tuple[str, ...]) -> None:
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(_, context, args)
        return
    now, by = context.services.clock.now(), operator(context)
    await context.services.db.write(lambda conn: operator_actions.ban(conn, by, state.id, now))
    text = context.t("admin.ban_done", name=name_of(state))
    await context.edit_or_reply(text, undo_button(context, "unban", state.id))
    if not state.banned:
        await notify_tenant(context, state, "access.banned")


async def unban(_: Update, context: Context) -> None:
    """Unblock a tenant, or admit one who waits for access."""
    state = await find_tenant(context, "/unban ID")
    if state is None:
        return
    if _has_access(state):
        await context.reply(context.t("admin.unban_needless", name=name_of(state)))
    else:
        await _unban(context, state)


async def unban_pressed(update: Update, context: Context, args: tuple[str, ...]) -> None:
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(update, context, args)
    else:
        await _unban(context, state)


async def _unban(context: Context, state: TenantState) -> None:
    """Unblock or admit a tenant. A second press changes nothing, and shows the same sentence."""
    now, by = context.services.clock.now(), operator(context)
    is_admitted = not _has_access(state) and await context.services.db.write(
        lambda conn: operator_actions.unban(conn, by, state.id, now)
    )
    await context.edit_or_reply(context.t("admin.unban_done", name=name_of(state)))
    if is_admitted:
        await notify_tenant(context, state, "access.welcome")
    elif state.banned:
        await notify_tenant(context, state, "access.unbanned")


def _has_access(state: TenantState) -> bool:
    return not state.banned and state.access == tenants.ADMITTED


async def access(_: Update, context: Context) -> None:
    """List the tenants who wait for access."""
    waiting = await context.services.db.read(tenants.waiting)
    lines = "\n".join(f"• {state.id} {name_of(state)}" for state in waiting)
    mode = context.services.config.access_mode
    await context.reply(context.t("access.list", mode=mode, lines=lines or context.t("access.nobody")))


async def accept(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), tenants.ADMITTED)


async def decline(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), tenants.DECLINED)


async def _decide(context: Context, tenant_id: int, decision: str) -> None:
    """Store the decision, and tell the operator and the tenant. A later decision replaces an earlier one."""
    now, by = context.services.clock.now(), operator(context)

    def unit(conn: Connection) -> tuple[TenantState | None, bool]:
        changed = tenant_settings.set_access(conn, tenant_id, decision)
        if changed:
            action = "accept" if decision == tenants.ADMITTED else "decline"
            operator_log.record(conn, by, action, now, tenant=tenant_id)
        return tenants.state(conn, tenant_id), changed

    state, changed = await context.services.db.write(unit)
    if state is None or not changed:
        await context.reply(context.t("access.decided"))
        return
    is_admitted = decision == tenants.ADMITTED
    await context.reply(context.t("access.let_in" if is_admitted else "access.turned_away", name=name_of(state)))
    await notify_tenant(context, state, "access.welcome" if is_admitted else "access.declined")


COMMANDS = (
    Command("access", access, 107, admin=True, takes_words=False, buttons={"accept": accept, "refuse": decline}),
    Command("ban", ban, 105, admin=True, buttons={"ask": ask_ban, "yes": ban_confirmed, "no": nothing_done}),
    Command("unban", unban, 106, admin=True, buttons={"yes": unban_pressed, "undo": unban_pressed}),
)
