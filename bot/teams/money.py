"""The owner's pages about a team's money: filling its wallet, its plan, the report and the invoices."""

import asyncio
import logging

from telegram import InputFile, Update

from bot.buttons import rows
from bot.context import Context
from bot.formatting.literal import as_code
from bot.teams.pages import confirm, month_of, owned_team, press, show
from documents.csv_export import invoice_csv, shares_csv
from documents.invoice import invoice_pdf
from engine.money import Money
from engine.tenancy import Plan
from storage.billing import plans
from storage.billing.orders import stars_for
from storage.billing.plans import PlanPurchase
from storage.database.connection import Connection
from storage.invoices import invoices
from storage.invoices.drafts import LedgerMismatch
from storage.ledger import shares
from storage.teams import teams
from storage.tenants import tenants
from storage.tenants.shared_wallets import WalletShort

log = logging.getLogger(__name__)
AMOUNTS = (Money.usd("5"), Money.usd("20"), Money.usd("50"))
MOST_INVOICES = 12


async def money_page(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Offer to fill the team's wallet, by Stars or from the owner's own wallet."""
    team = await owned_team(context)
    if team is None:
        return
    config, state = context.services.config, await context.state(fresh=True)
    by_stars = [
        press(context, "topup.amount", "stars", usd.nanousd, usd=usd, stars=stars_for(usd, config.per_star))
        for usd in config.topups
    ]
    moved = [press(context, "team.put", "fill", usd.nanousd, usd=usd) for usd in AMOUNTS]
    text = context.t("team.money_page", name=as_code(team.name), free=team.free, wallet=state.wallet)
    await context.edit_or_reply(text, rows([*by_stars, *moved, press(context, "team.back", "open")]))


async def ask_fill(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for confirmation before money is moved."""
    if await owned_team(context) is not None:
        text = context.t("team.fill_sure", usd=Money(int(args[0])))
        await context.edit_or_reply(text, confirm(context, "moved", args[0], back="money"))


async def fill(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Move money from the owner's wallet to the team's, once per press."""
    query, team, amount = update.callback_query, await owned_team(context), Money(int(args[0]))
    assert query is not None
    if team is None or amount not in AMOUNTS:
        return
    state, services = await context.state(fresh=True), context.services
    now = services.clock.now()
    try:
        await services.db.write(lambda conn: teams.fill(conn, team, state.id, amount, f"team:{query.id}", now))
    except WalletShort:
        back = press(context, "team.back", "money")
        await context.edit_or_reply(context.t("group.short", wallet=state.wallet, usd=amount), rows([back]))
        return
    await show(context)


async def plans_page(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Show the team's plan, and the others with a button each."""
    team, services = await owned_team(context), context.services
    if team is None:
        return
    state = await services.db.read(lambda conn: tenants.state(conn, team.id))
    assert state is not None
    lines = "\n".join(_plan_line(context, each) for each in services.plans.values() if each.usd_per_month)
    buttons = [
        press(context, "plan.choose_usd", "plan", each.name, name=each.name, usd=each.usd_per_month)
        for each in services.plans.values()
        if each.usd_per_month and each.name != state.plan
    ]
    if _is_paid(services.plans.get(state.plan)) and state.next_plan is None:
        buttons.append(press(context, "team.plan_end", "noplan"))
    key = "team.plan_is" if _is_paid(services.plans.get(state.plan)) else "team.plan_none"
    text = context.t(key, plan=state.plan, left=state.allowance_left_tokens, renews=state.renews_at, free=team.free)
    if state.next_plan is not None:
        text += context.t("plan.next", plan=state.next_plan)
    keyboard = rows([*buttons, press(context, "team.back", "open")], width=1)
    await context.edit_or_reply(f"{text}\n\n{lines}", keyboard)


def _is_paid(plan: Plan | None) -> bool:
    return plan is not None and bool(plan.usd_per_month)


def _plan_line(context: Context, plan: Plan) -> str:
    return context.t("team.plan", name=plan.name, usd=plan.usd_per_month, tokens=plan.tokens_per_month)


async def ask_plan(_: Update, context: Context, args: tuple[str, ...]) -> None:
    team, plan = await owned_team(context), context.services.plans.get(args[0])
    if team is None or plan is None:
        return
    text = context.t("team.plan_sure", plan=plan.name, usd=plan.usd_per_month, free=team.free)
    await context.edit_or_reply(text, confirm(context, "bought", plan.name, back="plans"))


async def buy_plan(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Buy a plan from the team's wallet; a cheaper plan begins when the current period ends."""
    team, services = await owned_team(context), context.services
    plan, now = services.plans.get(args[0]), services.clock.now()
    if team is None or plan is None or not plan.usd_per_month:
        return

    def unit(conn: Connection) -> PlanPurchase:
        state = plans.lock_tenant(conn, team.id)
        if state.plan != plan.name and plans.is_lower(conn, state, plan, services.plans, now):
            plans.schedule_plan(conn, team.id, plan.name)
            return PlanPurchase(done=True)
        return plans.buy_from_wallet(conn, team.id, plan, services.plans, now)

    bought = await services.db.write(unit)
    if bought.missing:
        missing = context.t("team.plan_short", missing=bought.missing.whole_cents_up())
        await context.edit_or_reply(missing, rows([press(context, "team.money", "money")]))
    else:
        await plans_page(_, context, ())


async def end_plan(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Let the plan end with its current period."""
    team, free = await owned_team(context), context.services.free_plan.name
    if team is not None:
        await context.services.db.write(lambda conn: plans.schedule_plan(conn, team.id, free))
        await plans_page(_, context, ())


async def send_report(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Show the members' use of this month, and send that of a year as CSV: amounts only, no questions."""
    team, now = await owned_team(context), context.services.clock.now()
    if team is None:
        return
    await context.answer_press()
    today = now.date()

    def unit(conn: Connection) -> tuple[list[shares.MemberShare], list[shares.DayShare]]:
        month = shares.by_member(conn, team.id, month_of(now), today)
        return month, shares.by_day(conn, team.id, today.replace(year=today.year - 1, day=1), today)

    month, days = await context.services.db.read(unit)
    lines = "\n".join(
        context.t("group.share", name=as_code(each.name), usd=each.worth, n=each.answers) for each in month
    )
    head = context.t("team.report_head", name=as_code(team.name), month=month_of(now))
    await context.reply(f"{head}\n{lines or context.t('team.report_none')}")
    await context.bot.send_document(context.user.id, InputFile(shares_csv(days), "team.csv"))


async def invoices_page(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """List the team's invoices, one a month."""
    team, services = await owned_team(context), context.services
    if team is None:
        return
    try:
        await invoices.issue_due(services.db, team.id, services.config.invoice_seller, services.clock.now())
    except LedgerMismatch:
        log.exception("an invoice could not be made")
    found = await services.db.read(lambda conn: invoices.of_tenant(conn, team.id))
    buttons = [
        press(context, "invoice.month", "invoice", each.number, month=each.draft.month, usd=each.draft.services)
        for each in found[:MOST_INVOICES]
    ]
    text = context.t("invoice.choose" if found else "invoice.none")
    await context.edit_or_reply(text, rows([*buttons, press(context, "team.back", "open")]))


async def send_invoice(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send an invoice of the team as PDF and as CSV."""
    await context.answer_press()
    team, services, number = await owned_team(context), context.services, int(args[0])
    invoice = await services.db.read(lambda conn: invoices.by_number(conn, number))
    if team is None or invoice is None or invoice.draft.tenant_id != team.id:
        return
    names = await services.db.read(lambda conn: invoices.member_names(conn, invoice))
    content = await asyncio.to_thread(invoice_pdf, invoice, team.name, context.language, names)
    caption = context.t("invoice.caption", name=invoice.name, month=invoice.draft.month)
    await context.bot.send_document(context.user.id, InputFile(content, f"{invoice.name}.pdf"), caption=caption)
    await context.bot.send_document(context.user.id, InputFile(invoice_csv(invoice, names), f"{invoice.name}.csv"))
