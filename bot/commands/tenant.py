"""Operators: /tenant shows a tenant as a card, with buttons for its keys, plan and access."""

from functools import partial

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context
from bot.operators.confirming import nothing_done, short_of
from bot.operators.finding import find_tenant, name_of, operator, tenant_of
from bot.operators.reasons import outcome_in_words
from bot.privacy import tenant_exclusions
from engine.money import Money
from locales.formats import as_code
from storage.billing import payments, subscriptions
from storage.database.connection import Connection, moment
from storage.operations import operator_log
from storage.reports import failures, usage
from storage.teams import members, teams
from storage.tenants import api_keys
from storage.tenants.tenants import TenantState

MOST_KEYS = 20


async def show(_: Update, context: Context) -> None:
    state = await find_tenant(context, "/tenant ID")
    if state is not None:
        await context.reply(await _card(context, state), _buttons(context, state))


async def card(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Replace the message with the pressed button by the card."""
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(update, context, args)
    else:
        await context.edit_or_reply(await _card(context, state), _buttons(context, state))


async def keys(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """List the tenant's API keys, each with a button that revokes it after confirmation."""
    state, now = await tenant_of(context, args[0]), context.services.clock.now()
    if state is None:
        await nothing_done(update, context, args)
        return
    found = await context.services.db.read(lambda conn: api_keys.list_for(conn, state.id, now))
    owner = context.user.id
    buttons = [
        button(context.t("admin.revoke", prefix=key.prefix), "tenant", "revoke", state.id, key.id, owner=owner)
        for key in found[:MOST_KEYS]
    ]
    buttons.append(button(context.t("admin.back"), "tenant", "card", state.id, owner=owner))
    lines = "\n".join(f"• `{key.prefix}…` {as_code(key.name)}" for key in found[:MOST_KEYS])
    text = context.t("admin.keys", name=name_of(state), lines=lines) if found else context.t("admin.no_keys")
    await context.edit_or_reply(text, rows(buttons))


async def ask_revoke(update: Update, context: Context, args: tuple[str, ...]) -> None:
    key = await _key(context, args)
    if key is None:
        await nothing_done(update, context, args)
        return
    owner = context.user.id
    buttons = [
        button(context.t("admin.yes"), "tenant", "yes", *args, owner=owner),
        button(context.t("button.cancel"), "tenant", "keys", args[0], owner=owner),
    ]
    await context.edit_or_reply(context.t("admin.revoke_sure", prefix=key.prefix), rows(buttons))


async def revoke_confirmed(update: Update, context: Context, args: tuple[str, ...]) -> None:
    key, now, by = await _key(context, args), context.services.clock.now(), operator(context)
    if key is None:
        await nothing_done(update, context, args)
        return
    tenant = int(args[0])

    def unit(conn: Connection) -> None:
        if api_keys.revoke(conn, tenant, key.id, now):
            operator_log.record(conn, by, "revoke key", now, tenant=tenant, detail=key.prefix)

    await context.services.db.write(unit)
    back = button(context.t("admin.back"), "tenant", "card", tenant, owner=context.user.id)
    await context.edit_or_reply(context.t("admin.revoked", prefix=key.prefix), rows([back]))


async def plans(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Offer the other plans; /setplan asks for confirmation."""
    state = await tenant_of(context, args[0])
    if state is None:
        await nothing_done(update, context, args)
        return
    owner = context.user.id
    buttons = [
        button(name, "setplan", "ask", state.id, short_of(name), owner=owner)
        for name in context.services.plans
        if name != state.plan
    ]
    buttons.append(button(context.t("admin.back"), "tenant", "card", state.id, owner=owner))
    await context.edit_or_reply(context.t("admin.plans", name=name_of(state), plan=state.plan), rows(buttons))


async def _key(context: Context, args: tuple[str, ...]) -> api_keys.ApiKey | None:
    find = partial(api_keys.find, tenant_id=int(args[0]), key_id=int(args[1]), now=context.services.clock.now())
    return await context.services.db.read(find)


def _buttons(context: Context, state: TenantState) -> InlineKeyboardMarkup:
    owner = context.user.id
    access = ("admin.button_unban", "unban", "yes") if state.banned else ("admin.button_ban", "ban", "ask")
    return rows(
        [
            button(context.t("admin.button_keys"), "tenant", "keys", state.id, owner=owner),
            button(context.t("admin.button_plan"), "tenant", "plans", state.id, owner=owner),
            button(context.t(access[0]), access[1], access[2], state.id, owner=owner),
            button(context.t("admin.button_who"), "tenant", "who", state.id, owner=owner),
            button(context.t("admin.button_log"), "log", "of", state.id, owner=owner),
            button(context.t("admin.refresh"), "tenant", "card", state.id, owner=owner),
        ]
    )


async def _card(context: Context, state: TenantState) -> str:
    return _account(context, state) + await context.services.db.read(lambda conn: _details(conn, context, state))


def _account(context: Context, state: TenantState) -> str:
    return context.t(
        "admin.tenant",
        name=name_of(state) + (f" @{state.username}" if state.username else ""),
        id=str(state.id),
        telegram=str(state.telegram_user_id or "-"),
        plan=state.plan + (f" → {state.next_plan}" if state.next_plan else ""),
        left=state.allowance_left_tokens,
        allowance=state.allowance_tokens,
        renews=state.renews_at,
        wallet=state.wallet,
        held=context.t("admin.held", usd=state.held) if state.held else "",
        owed=context.t("admin.owed", usd=state.owed) if state.owed else "",
        banned=context.t("admin.banned") if state.banned else "",
    )


def _details(conn: Connection, context: Context, state: TenantState) -> str:
    """Return start, access, this month's usage, keys, last error, subscription and latest payments."""
    today = context.services.clock.now().date()
    used = usage.rows(conn, today.replace(day=1), today, state.id)
    text = context.t(
        "admin.tenant_more",
        since=state.created_at,
        access=context.t(f"admin.access_{state.access}"),
        terms=state.agreed_terms or context.t("admin.terms_open"),
        keys=api_keys.live_keys(conn, state.id),
        prompts=sum(row.prompts for row in used),
        charged=sum((row.charge for row in used), Money(0)),
        cost=sum((row.cost + row.waste for row in used), Money(0)),
        blocked=context.t("admin.blocked") if state.blocked else "",
    )
    return text + _team(conn, context, state) + _last_error(conn, context, state) + _payments(conn, context, state)


def _team(conn: Connection, context: Context, state: TenantState) -> str:
    """Return the line about the team: the one that the tenant is itself, or the one that it belongs to."""
    now = context.services.clock.now()
    team = teams.find(conn, state.id) or teams.of_member(conn, state.id)
    if team is None:
        return ""
    key = "admin.is_team" if team.id == state.id else "admin.in_team"
    count = len(members.of_team(conn, team.id, now))
    return context.t(key, id=str(team.id), name=as_code(team.name), owner=str(team.owner_id), n=count)


def _last_error(conn: Connection, context: Context, state: TenantState) -> str:
    found = failures.last_failure_of(conn, state.id)
    if found is None:
        return ""
    where = f"{found.provider}/{found.model}" if found.model else found.asked
    return context.t(
        "admin.last_error", outcome=outcome_in_words(context, found.outcome), where=as_code(where), at=found.at
    )


def _payments(conn: Connection, context: Context, state: TenantState) -> str:
    text, subscription = "", subscriptions.current(conn, state.id)
    if subscription is not None:
        state_name = context.t(f"admin.subscription_{subscription.state}")
        text += context.t("admin.subscription", plan=subscription.plan, state=state_name, until=subscription.until)
    for paid in payments.latest(conn, state.id):
        refunded = context.t("admin.payment_refunded") if paid["refunded_at"] else ""
        day = moment(paid["paid_at"])
        text += context.t("admin.payment", day=day, stars=paid["stars"], charge=paid["charge_id"], refunded=refunded)
    return text


COMMAND = Command(
    "tenant",
    show,
    102,
    admin=True,
    buttons={
        "card": card,
        "keys": keys,
        "revoke": ask_revoke,
        "yes": revoke_confirmed,
        "plans": plans,
        **tenant_exclusions.ACTIONS,
    },
)
