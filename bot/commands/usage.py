"""/usage: tokens and USD by day, model and provider, the rest of the plan, and a chart."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from telegram import InlineKeyboardMarkup, InputFile, Update

import locales
from bot.buttons import button, rows
from bot.charts import figures
from bot.command import Command, Topic
from bot.commands.plan import answers_today
from bot.context import Context, arguments
from bot.panels.pictures import fits, has_picture, show_picture
from documents.csv_export import usage_csv
from engine.catalog.tariffs import tariff_of, tokens_worth
from engine.money import ZERO, Money
from storage.database.connection import row_number
from storage.ledger import shares
from storage.reports import usage as usage_units
from storage.reports.usage import UsageRow, UsageTotals
from storage.tenants.tenants import TenantState

SPANS = ("7", "30", "month")
MOST_DAYS = 365
MOST_LINES = 8
AUTO = "auto"
PERIOD, MONTH = "period", "month"


async def usage(update: Update, context: Context) -> None:
    """Show the period of the plan, or the days, the month or the file that the word after the command names."""
    word = " ".join(arguments(context)).lower()
    if word in {"csv", context.t("usage.csv").lower()}:
        await send_csv(update, context, ())
    elif (span := _span(context, word)) is not None:
        await show(context, span)
    else:
        await context.reply(context.t("usage.takes", most=MOST_DAYS))


def _span(context: Context, word: str) -> str | None:
    """Return the span that a word names, such as `90`, `90 days` or `month`; None if it names none."""
    if not word:
        return PERIOD
    if word in {MONTH, context.t("usage.month").lower()}:
        return MONTH
    number, _, unit = word.partition(" ")
    days = row_number(number.removesuffix("d"))
    if unit and unit not in context.t("usage.words_for_days").split():
        return None
    return str(days) if days is not None and 0 < days <= MOST_DAYS else None


async def show_span(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await context.answer_press()
    await show(context, args[0])


async def show(context: Context, span: str) -> None:
    """Show a span in one message: a chart, and the sums below it. A button changes both in place."""
    state = await context.state(fresh=True)
    start, end = days_of(span, state, context.services.clock.now().date())
    found = await context.services.db.read(lambda conn: usage_units.rows(conn, start, end, state.id))
    left = await _shared(context, state, start, end) + _left(context, state, await answers_today(context, state))
    if context.ephemeral_for or (not found and not has_picture(context)):
        await context.edit_or_reply(_text(context, span, found, left), _keyboard(context))
        return
    words, formats = _chart_texts(context, span, found), locales.find(context.language).formats

    def draw() -> bytes:
        return figures.usage(found, start, end, words, formats, lambda row: _value(context, row))

    picture = await asyncio.to_thread(draw)
    await show_picture(context, picture, "usage.png", _text(context, span, found, left), _keyboard(context))


async def _shared(context: Context, state: TenantState, start: date, end: date) -> str:
    """Return the line about answers that teams and groups paid for."""
    used = await context.services.db.read(lambda conn: shares.used_everywhere(conn, state.id, start, end))
    return context.t("usage.shared", usd=used) if used else ""


async def send_csv(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Send the usage of the last year, without the operator's costs."""
    await context.answer_press()
    state, today = await context.state(), context.services.clock.now().date()
    start = today - timedelta(days=365)
    found = await context.services.db.read(lambda conn: usage_units.rows(conn, start, today, state.id))
    await context.bot.send_document(context.user.id, InputFile(usage_csv(found), "usage.csv"))


def days_of(span: str, state: TenantState, today: date) -> tuple[date, date]:
    """Return the first and last day of a span: the plan's period, this month, or a number of days up to today."""
    if span == PERIOD:
        return state.period_start.date(), today
    if span == MONTH:
        return today.replace(day=1), today
    return today - timedelta(days=int(span) - 1), today


def _title(context: Context, span: str) -> str:
    return (
        context.t(f"usage.title_{span}") if span in {PERIOD, MONTH} else context.t("usage.title_days", days=int(span))
    )


def _text(context: Context, span: str, found: Sequence[UsageRow], left: str) -> str:
    """Return the text below the chart; its lists have as many lines as fit into a caption."""
    head = context.t("usage.head", title=_title(context, span))
    if not found:
        return head + context.t("usage.none") + left
    texts = (f"{head}{_body(context, found, lines)}{left}" for lines in range(MOST_LINES, 0, -1))
    return next((text for text in texts if fits(text)), f"{head}{_totals(context, found)}{left}")


def _body(context: Context, found: Sequence[UsageRow], lines: int) -> str:
    return (
        _totals(context, found)
        + _by(context, "day", found, lambda row: str(row.day), lines, newest=True)
        + _by(context, "model", found, lambda row: row.model, lines)
        + _by(context, "provider", found, lambda row: row.provider, lines)
    )


def _totals(context: Context, found: Sequence[UsageRow]) -> str:
    """Return the sums, with the plan if it paid something."""
    totals = UsageTotals.of(found)
    worth, allowance = _worth(context, totals.allowance_tokens), totals.allowance_tokens
    plan = context.t("usage.from_plan", allowance=allowance, worth=worth) if allowance else ""
    return context.t("usage.total", prompts=totals.prompts, tokens=totals.tokens, usd=totals.charge, plan=plan)


def _by(
    context: Context,
    group: str,
    found: Sequence[UsageRow],
    key: Callable[[UsageRow], str],
    most: int,
    *,
    newest: bool = False,
) -> str:
    """Return a line for each of the largest groups, or of the newest ones. Plan tokens count at their price."""
    tokens: dict[str, int] = defaultdict(int)
    charged: dict[str, Money] = defaultdict(lambda: ZERO)
    for row in found:
        tokens[key(row)] += row.tokens
        charged[key(row)] += _value(context, row)
    names = sorted(tokens, reverse=True) if newest else sorted(tokens, key=lambda name: (-tokens[name], name))
    lines = [
        context.t(
            "usage.line", name=_day(context, name) if newest else f"`{name}`", tokens=tokens[name], usd=charged[name]
        )
        for name in names[:most]
    ]
    if len(names) > most:
        lines.append(context.t("usage.more", n=len(names) - most))
    return context.t("usage.by", group=context.t(f"usage.{group}"), lines="\n".join(lines))


def _value(context: Context, row: UsageRow) -> Money:
    """Return the worth of a row's tokens: wallet money, and plan tokens at their price."""
    return row.charge + _worth(context, row.allowance_tokens)


def _worth(context: Context, tokens: int) -> Money:
    """Return the price of plan tokens: that of `auto`, because the rows don't tell which model was requested."""
    return tokens_worth(tariff_of(context.services.market.catalog, AUTO), tokens)


def _day(context: Context, name: str) -> str:
    return context.written(date.fromisoformat(name))


def _left(context: Context, state: TenantState, today: str) -> str:
    return context.t(
        "usage.left",
        left=state.allowance_left_tokens,
        allowance=state.allowance_tokens,
        renews=state.renews_at,
        wallet=state.wallet,
        today=today,
    )


def _chart_texts(context: Context, span: str, found: Sequence[UsageRow]) -> dict[str, str]:
    totals = UsageTotals.of(found)
    return {
        "title": context.t("usage.chart", title=_title(context, span)),
        "subtitle": context.t("usage.chart_sums", prompts=totals.prompts, tokens=totals.tokens, usd=totals.charge),
        "tokens": context.t("usage.axis"),
        "others": context.t("usage.others"),
    }


def _keyboard(context: Context) -> InlineKeyboardMarkup:
    owner = context.user.id
    spans = [button(context.t(f"usage.{span}"), "usage", "show", span, owner=owner) for span in SPANS]
    return rows([*spans, button(context.t("usage.csv"), "usage", "csv", owner=owner)], width=4)


COMMAND = Command("usage", usage, 6, topic=Topic.MONEY, buttons={"show": show_span, "csv": send_csv}, ephemeral=True)
