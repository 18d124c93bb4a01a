"""/usage: tokens and USD by day, model and provider, with a chart."""

import asyncio
import csv
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from telegram import InlineKeyboardMarkup, InputFile, Update

from bot import charts
from bot.command import Command, button, rows
from bot.context import Context
from engine.money import ZERO, Money
from storage import usage as usage_units
from storage.usage import UsageRow


async def usage(_: Update, context: Context) -> None:
    await show(context, "30")


async def pressed(update: Update, context: Context, args: tuple[str, ...]) -> None:
    assert update.callback_query is not None
    await update.callback_query.answer()
    await show(context, args[0])


async def show(context: Context, span: str) -> None:
    state = await context.state()
    start, end = _days(span, context.services.clock.now().date())
    found = await context.services.db.read(lambda conn: usage_units.rows(conn, start, end, state.id))
    text = context.t("usage.head", title=context.t(f"usage.title_{span}"))
    text += _body(context, found) if found else context.t("usage.none")
    text += context.t(
        "usage.left",
        left=f"{state.allowance_left_tokens:,}",
        allowance=f"{state.allowance_tokens:,}",
        renews=f"{state.renews_at:%Y-%m-%d}",
        wallet=str(state.wallet),
    )
    if found:
        picture = await asyncio.to_thread(charts.usage, found, start, end)
        await context.bot.send_photo(context.user.id, InputFile(picture, "usage.png"))
    await context.reply(text, _keyboard(context))


async def as_csv(update: Update, context: Context, _: tuple[str, ...]) -> None:
    assert update.callback_query is not None
    await update.callback_query.answer()
    state, today = await context.state(), context.services.clock.now().date()
    found = await context.services.db.read(
        lambda conn: usage_units.rows(conn, today - timedelta(days=365), today, state.id)
    )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["day", "model", "provider", "prompts", "input_tokens", "output_tokens", "allowance_tokens", "charge_usd"]
    )
    for row in found:
        counts = (row.prompts, row.input_tokens, row.output_tokens, row.allowance_tokens)
        writer.writerow((row.day, row.model, row.provider, *counts, row.charge))
    await context.bot.send_document(context.user.id, InputFile(out.getvalue().encode(), "usage.csv"))


def _body(context: Context, found: Sequence[UsageRow]) -> str:
    text = context.t(
        "usage.total",
        prompts=sum(row.prompts for row in found),
        tokens=f"{sum(row.input_tokens + row.output_tokens for row in found):,}",
        usd=str(sum((row.charge for row in found), ZERO)),
        allowance=f"{sum(row.allowance_tokens for row in found):,}",
    )
    return (
        text
        + _by(context, "model", found, lambda row: row.model)
        + _by(context, "provider", found, lambda row: row.provider)
    )


def _by(context: Context, what: str, found: Sequence[UsageRow], key: Callable[[UsageRow], str]) -> str:
    tokens: dict[str, int] = defaultdict(int)
    charged: dict[str, Money] = defaultdict(lambda: ZERO)
    for row in found:
        tokens[key(row)] += row.input_tokens + row.output_tokens
        charged[key(row)] += row.charge
    lines = [
        f"• {name}: {tokens[name]:,} tokens · {charged[name]} USD" for name in sorted(tokens, key=lambda n: -tokens[n])
    ]
    return context.t("usage.by", what=context.t(f"usage.{what}"), lines="\n".join(lines))


def _days(span: str, today: date) -> tuple[date, date]:
    if span == "month":
        return today.replace(day=1), today
    return today - timedelta(days=(7 if span == "7" else 30) - 1), today


def _keyboard(context: Context) -> InlineKeyboardMarkup:
    owner = context.user.id
    spans = [button(context.t(f"usage.{span}"), "usage", "show", span, owner=owner) for span in ("7", "30", "month")]
    return rows([*spans, button(context.t("usage.csv"), "usage", "csv", owner=owner)], width=4)


COMMAND = Command("usage", usage, 6, buttons={"show": pressed, "csv": as_csv})
