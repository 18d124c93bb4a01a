"""Operators: /log shows the actions of operators: credits, plans, bans, refunds, keys, drains, broadcasts, codes."""

import re
from functools import partial

from telegram import Update

import locales
from bot.command import Command
from bot.context import Context, arguments
from bot.operators.finding import find_tenant
from engine.money import Money
from locales.formats import as_code
from storage.operations import operator_log
from storage.operations.operator_log import ADMIN_KEY, OperatorAction

SHOWN = 25
_AMOUNT, _CODES, _NUMBER = re.compile(r"(-?\d+\.\d+)"), re.compile(r"(\d+) of (\d+\.\d+)"), re.compile(r"number (\d+)")


async def log(_: Update, context: Context) -> None:
    if not arguments(context):
        await _show(context, None)
        return
    state = await find_tenant(context, "/log [ID]")
    if state is not None:
        await _show(context, state.id)


async def of_tenant(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _show(context, int(args[0]))


async def _show(context: Context, tenant: int | None) -> None:
    found = await context.services.db.read(partial(operator_log.latest, limit=SHOWN, tenant=tenant))
    lines = "\n".join(_line(context, each) for each in found)
    await context.reply(context.t("log.head", lines=lines) if found else context.t("log.empty"))


def _line(context: Context, each: OperatorAction) -> str:
    by = context.t("log.admin_key") if each.by.user == ADMIN_KEY else as_code(each.by.name)
    to = context.t("log.tenant", id=str(each.tenant_id)) if each.tenant_id is not None else ""
    detail = f" {as_code(_detail(context, each))}" if each.detail else ""
    return context.t("log.line", at=each.at, by=by, action=_action(context, each.action), tenant=to, detail=detail)


def _detail(context: Context, each: OperatorAction) -> str:
    """Return the detail of an action, with amounts as the language writes them."""
    if found := _AMOUNT.fullmatch(each.detail):
        return context.written(Money.usd(found[1]))
    if found := _CODES.fullmatch(each.detail):
        return context.t("log.codes", count=found[1], usd=Money.usd(found[2]))
    return f"#{found[1]}" if (found := _NUMBER.fullmatch(each.detail)) else each.detail


def _action(context: Context, action: str) -> str:
    """Return an action in words; one of another version as it is."""
    key = f"log.action_{re.sub(r'[^a-z]+', '_', action)}"
    return context.t(key) if key in locales.find(context.language).texts else action


COMMAND = Command("log", log, 112, admin=True, buttons={"of": of_tenant})
