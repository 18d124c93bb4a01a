"""Operators: /ban, /unban, and the buttons that let a stranger in or not."""

from telegram import Update

from bot.command import Command
from bot.commands.tenants import tell, tenant_named
from bot.context import Context
from storage.database.connection import Connection
from storage.tenants import tenant_settings, tenants
from storage.tenants.tenants import TenantState


async def ban(_: Update, context: Context) -> None:
    state = await tenant_named(context, "/ban ID", 1)
    if state is not None:
        await context.services.db.write(lambda conn: tenant_settings.set_banned(conn, state.id, True))
        await context.reply(context.t("admin.ban_done", name=state.name or state.id))
        if not state.banned:
            await tell(context, state, "access.banned")


async def unban(_: Update, context: Context) -> None:
    """Also lets a stranger in who still waits."""
    state = await tenant_named(context, "/unban ID", 1)
    if state is None:
        return

    def unit(conn: Connection) -> bool:
        tenant_settings.set_banned(conn, state.id, False)
        return tenant_settings.set_access(conn, state.id, tenants.ADMITTED)

    let_in = await context.services.db.write(unit)
    await context.reply(context.t("admin.unban_done", name=state.name or state.id))
    if let_in:
        await tell(context, state, "access.welcome")
    elif state.banned:
        await tell(context, state, "access.unbanned")


async def access(_: Update, context: Context) -> None:
    """Who waits at the door."""
    waiting = await context.services.db.read(tenants.waiting)
    lines = "\n".join(f"• {state.id} {state.name}" for state in waiting)
    mode = context.services.config.access_mode
    await context.reply(context.t("access.list", mode=mode, lines=lines or context.t("access.nobody")))


async def accept(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), tenants.ADMITTED)


async def decline(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _decide(context, int(args[0]), tenants.DECLINED)


async def _decide(context: Context, tenant_id: int, word: str) -> None:
    """The operator's word, told to both; the last one counts."""

    def unit(conn: Connection) -> tuple[TenantState | None, bool]:
        return tenants.state(conn, tenant_id), tenant_settings.set_access(conn, tenant_id, word)

    state, changed = await context.services.db.write(unit)
    if state is None or not changed:
        await context.reply(context.t("access.decided"))
        return
    let_in = word == tenants.ADMITTED
    await context.reply(context.t("access.let_in" if let_in else "access.turned_away", name=state.name or state.id))
    await tell(context, state, "access.welcome" if let_in else "access.declined")


COMMANDS = (
    Command("access", access, 107, admin=True, buttons={"accept": accept, "refuse": decline}),
    Command("ban", ban, 105, admin=True),
    Command("unban", unban, 106, admin=True),
)
