"""Operators: /margin: sales, costs, margin, and the liability for value that was paid for but not used yet."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from telegram import InlineKeyboardMarkup, InputFile, Update

import locales
from bot.buttons import button, rows
from bot.charts import figures
from bot.command import Command
from bot.context import Context, arguments
from bot.panels.pictures import fits, has_picture, show_picture
from documents.csv_export import margin_csv
from storage.database.connection import Connection, row_number
from storage.ledger.journal import allowance_rates
from storage.reports import liability, usage
from storage.reports.liability import Liability, StarTotals
from storage.reports.usage import UsageRow, UsageTotals

MOST_DAYS, MOST_LINES = 365, 8
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
    """Show a span in one message: a chart, and the sums below it. A button changes both in place."""
    start, end = _days(context, days)
    rates, per_star = allowance_rates(context.services.plans), context.services.config.payout_per_star

    def read(conn: Connection) -> tuple[list[UsageRow], StarTotals, Liability]:
        stars = liability.star_totals(conn, start, end, per_star)
        return usage.rows(conn, start, end), stars, liability.liability(conn, rates)

    found, stars, owed = await context.services.db.read(read)
    totals = UsageTotals.of(found)
    text, keyboard = _text(context, days, found, _stars(context, stars, owed)), _keyboard(context, days)
    if not found and not has_picture(context):
        await context.edit_or_reply(text, keyboard)
        return
    words, formats = figures.margin_words(context.language, days, totals), locales.find(context.language).formats
    picture = await asyncio.to_thread(figures.margin, found, start, end, words, formats)
    await show_picture(context, picture, "margin.png", text, keyboard)


def _text(context: Context, days: int, found: Sequence[UsageRow], stars: str) -> str:
    """Return the text below the chart; its lists have as many lines as fit into a caption."""
    totals = UsageTotals.of(found)
    head = context.t(
        "margin.head",
        days=days,
        charge=totals.charge,
        allowance=totals.allowance_worth,
        cost=totals.cost,
        waste=totals.waste,
        margin=totals.margin,
        percent=_percent(context, totals),
    )
    if not found:
        return f"{head}\n\n{context.t('margin.none')}{stars}"
    texts = (f"{head}{_lists(context, found, lines)}{stars}" for lines in range(MOST_LINES, 0, -1))
    return next((text for text in texts if fits(text)), head + stars)


def _lists(context: Context, found: Sequence[UsageRow], most: int) -> str:
    """Return the totals of each offer, highest sales first, and of each day, newest first."""
    offers = _groups(found, lambda row: f"`{row.provider}/{row.model}`")
    by_sales = sorted(offers, key=lambda name: (-offers[name].sold.nanousd, name))
    days = _groups(found, lambda row: row.day.isoformat())
    newest = {context.written(date.fromisoformat(day)): days[day] for day in sorted(days, reverse=True)}
    models = _list(context, {name: offers[name] for name in by_sales}, most)
    return context.t("margin.by_model", lines=models) + context.t("margin.by_day", lines=_list(context, newest, most))


def _groups(found: Sequence[UsageRow], key: Callable[[UsageRow], str]) -> dict[str, UsageTotals]:
    rows: dict[str, list[UsageRow]] = defaultdict(list)
    for row in found:
        rows[key(row)].append(row)
    return {name: UsageTotals.of(of) for name, of in rows.items()}


def _list(context: Context, totals: Mapping[str, UsageTotals], most: int) -> str:
    lines = [
        context.t(
            "margin.line",
            name=name,
            n=each.prompts,
            sold=each.sold,
            cost=each.cost + each.waste,
            margin=each.margin,
            percent=_percent(context, each),
        )
        for name, each in list(totals.items())[:most]
    ]
    if len(totals) > most:
        lines.append(context.t("usage.more", n=len(totals) - most))
    return "\n".join(lines)


def _stars(context: Context, stars: StarTotals, owed: Liability) -> str:
    text = context.t(
        "margin.stars",
        stars=stars.paid - stars.refunded,
        payout=stars.payout,
        liability=owed.total,
        wallets=owed.wallets,
        allowances=owed.allowances,
    )
    return text + (context.t("margin.gifts", usd=owed.gifts) if owed.gifts else "")


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
