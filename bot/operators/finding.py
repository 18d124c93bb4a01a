"""The tenant in an operator's command, found by tenant id, Telegram id, @username or name."""

from functools import partial

from bot.context import Context, arguments
from bot.formatting.literal import as_shown
from locales.formats import as_code
from storage.operations.operator_log import Operator
from storage.tenants import tenants
from storage.tenants.search import search
from storage.tenants.tenants import TenantState

MOST_FOUND = 10


def name_of(state: TenantState) -> str:
    """Return the tenant's name as Markdown code, so that it can't be markup; the id if there is no name."""
    return as_code(state.name or str(state.id))


def operator(context: Context) -> Operator:
    """Return the operator who uses the command."""
    return Operator(context.user.id, context.user.full_name)


async def tenant_of(context: Context, tenant_id: str) -> TenantState | None:
    return await context.services.db.read(lambda conn: tenants.state(conn, int(tenant_id)))


async def notify_tenant(context: Context, state: TenantState, key: str, **values: object) -> None:
    """Tell a tenant about an operator's change, unless the tenant has no Telegram or blocks the bot."""
    if state.telegram_user_id is not None and not state.blocked:
        await context.notifier.notify(state.telegram_user_id, key, values)


async def find_tenant(context: Context, usage: str, after: int = 0) -> TenantState | None:
    """Return the tenant in the arguments, without the last `after` ones; None after explaining the mistake."""
    given = arguments(context)
    text = " ".join(given[: len(given) - after])
    if len(given) <= after or not text:
        await context.reply(context.t("admin.usage", usage=usage))
        return None
    found = await context.services.db.read(partial(search, text=text, limit=MOST_FOUND + 1))
    if len(found) == 1:
        return found[0]
    if not found:
        await context.reply(context.t("admin.no_tenant", id=as_shown(text)))
        return None
    await context.reply(context.t("admin.several", text=as_shown(text), lines=lines_of(context, found[:MOST_FOUND])))
    return None


def lines_of(context: Context, found: list[TenantState]) -> str:
    """Return a line for each tenant: id, name, username, plan, wallet, marks."""
    return "\n".join(_line(context, state) for state in found)


def _line(context: Context, state: TenantState) -> str:
    mark = context.t("admin.mark_banned") if state.banned else ""
    mark = mark or ("" if state.is_admitted else context.t(f"admin.mark_{state.access}"))
    username = f" @{state.username}" if state.username else ""
    return f"• {state.id} {name_of(state)}{username}: {state.plan}, {context.written(state.wallet)}{mark}"
