"""Operators: /margin: sales, costs, margin, and the liability for Stars that are not used yet."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from telegram import InlineKeyboardMarkup, InputFile, Update

from bot import charts
from bot.buttons import button, rows
from bot.command import Command
from bot.context import Context, arguments
from documents.csv_export import margin_csv
from storage.database.connection import Connection, row_number
from storage.ledger.journal import allowance_rates
from storage.reports import liability, usage
from storage.reports.liability import Liability, StarTotals
from storage.reports.usage import UsageRow, UsageTotals

MOST_DAYS, SHOWN = 365, 12
SPANS = ("7", "30", "90")


async def margin(_: Update, context: Context) -> None:
    days = row_number(next(iter(arguments(context)), SPANS[0]))
    if days is None or not 0 < days <= MOST_DAYS:
        await context.reply(context.t("admin.usage", usage=f"/margin [DAYS ≤ {MOST_DAYS}]"))
        return
    await _show(context, days)


async def show_span(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await context.answer_press()
    await _show(context, int(args[0]))


async def send_csv(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await context.answer_press()
    start, end = _days(context, int(args[0]))
    found = await context.services.db.read(lambda conn: usage.rows(conn, start, end))
    await context.bot.send_document(context.user.id, InputFile(margin_csv(found), f"margin-{start}-{end}.csv"))


async def _show(context: Context, days: int) -> None:
    start, end = _days(context, days)
    rates, per_star = allowance_rates(context.services.plans), context.services.config.payout_per_star

    def read(conn: Connection) -> tuple[list[UsageRow], StarTotals, Liability]:
        stars = liability.star_totals(conn, start, end, per_star)
        return usage.rows(conn, start, end), stars, liability.liability(conn, rates)

    found, stars, owed = await context.services.db.read(read)
    totals = UsageTotals.of(found)
    if found:
        picture = await asyncio.to_thread(
            charts.margin, found, start, end, charts.margin_words(context.language, days, totals)
        )
        await context.bot.send_photo(context.user.id, InputFile(picture, "margin.png"))
    text = context.t(
        "margin.head",
        days=days,
        charge=totals.charge,
        allowance=totals.allowance_worth,
        cost=totals.cost,
        waste=totals.waste,
        margin=totals.margin,
        percent=_percent(context, totals),
        lines=_lines(context, found),
    )
    text += context.t(
        "margin.stars",
        stars=stars.paid - stars.refunded,
        payout=stars.payout,
        liability=owed.total,
        wallets=owed.wallets,
        allowances=owed.allowances,
    )
    await context.reply(text, _keyboard(context, days))


def _lines(context: Context, found: Sequence[UsageRow]) -> str:
    """Return a line per day and offer, the newest first, at most SHOWN; the CSV has all."""
    if not found:
        return context.t("margin.none")
    lines = [
        context.t(
            "margin.line",
            day=row.day,
            offer=f"`{row.provider}/{row.model}`",
            prompts=row.prompts,
            charge=row.charge + row.allowance_worth,
            cost=row.cost + row.waste,
            margin=row.margin,
        )
        for row in sorted(found, key=lambda row: (row.day, row.margin), reverse=True)[:SHOWN]
    ]
    if len(found) > SHOWN:
        lines.append(context.t("usage.more", n=len(found) - SHOWN))
    return "\n".join(lines)


def _percent(context: Context, totals: UsageTotals) -> str:
    return context.t("margin.percent", percent=Decimal(totals.margin_percent)) if totals.margin_percent else ""


def _days(context: Context, days: int) -> tuple[date, date]:
    today = context.services.clock.now().date()
    return today - timedelta(days=days - 1), today


def _keyboard(context: Context, days: int) -> InlineKeyboardMarkup:
    owner = context.user.id
    spans = [button(context.t("margin.days", days=span), "margin", "show", span, owner=owner) for span in SPANS]
    return rows([*spans, button(context.t("usage.csv"), "margin", "csv", days, owner=owner)], width=4)


COMMAND = Command("margin", margin, 107, admin=True, buttons={"show": show_span, "csv": send_csv})
