"""Operators: /access, /ban, /unban, and the buttons that accept or refuse a new user."""

from telegram import Update

from bot.command import Command
from bot.commands.tenants import ask_first, find_tenant, nothing_done, notify_tenant, tenant_of
from bot.context import Context
from storage.database.connection import Connection
from storage.tenants import tenant_settings, tenants
from storage.tenants.tenants import TenantState


async def ban(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/ban ID", 1)
    if state is not None:
        sure = context.t("admin.ban_sure", name=state.name or str(state.id))
        await ask_first(context, sure, "ban", state.id)


async def ban_confirmed(_: Update, context: Context, args: tuple[str, ...]) -> None:
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(_, context, args)
        return
    await context.services.db.write(lambda conn: tenant_settings.set_banned(conn, state.id, True))
    await context.edit_or_reply(context.t("admin.ban_done", name=state.name or str(state.id)))
    if not state.banned:
        await notify_tenant(context, state, "access.banned")


async def unban(_: Update, context: Context) -> None:
    """Unblock a tenant, or admit one who waits for access."""
    state = await find_tenant(context, "/unban ID", 1)
    if state is None:
        return

    def unit(conn: Connection) -> bool:
        tenant_settings.set_banned(conn, state.id, False)
        return tenant_settings.set_access(conn, state.id, tenants.ADMITTED)

    is_admitted = await context.services.db.write(unit)
    await context.reply(context.t("admin.unban_done", name=state.name or state.id))
    if is_admitted:
        await notify_tenant(context, state, "access.welcome")
    elif state.banned:
        await notify_tenant(context, state, "access.unbanned")


async def access(_: Update, context: Context) -> None:
    """List the tenants who wait for access."""
    waiting = await context.services.db.read(tenants.waiting)
    lines = "\n".join(f"• {state.id} {state.name}" for state in waiting)
    mode = context.services.config.access_mode
    await context.reply(context.t("access.list", mode=mode, lines=lines or context.t("access.nobody")))


async def accept(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), tenants.ADMITTED)


async def decline(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), tenants.DECLINED)


async def _decide(context: Context, tenant_id: int, decision: str) -> None:
    """Store the decision and tell the operator and the tenant. A later decision replaces an earlier one."""

    def unit(conn: Connection) -> tuple[TenantState | None, bool]:
        return tenants.state(conn, tenant_id), tenant_settings.set_access(conn, tenant_id, decision)

    state, changed = await context.services.db.write(unit)
    if state is None or not changed:
        await context.reply(context.t("access.decided"))
        return
    is_admitted = decision == tenants.ADMITTED
    await context.reply(
        context.t("access.let_in" if is_admitted else "access.turned_away", name=state.name or state.id)
    )
    await notify_tenant(context, state, "access.welcome" if is_admitted else "access.declined")


COMMANDS = (
    Command("access", access, 107, admin=True, buttons={"accept": accept, "refuse": decline}),
    Command("ban", ban, 105, admin=True, buttons={"yes": ban_confirmed, "no": nothing_done}),
    Command("unban", unban, 106, admin=True),
)
