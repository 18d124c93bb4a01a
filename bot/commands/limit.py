"""/limit: the most that one answer, and the answers of one day, may cost the user."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from telegram import InlineKeyboardMarkup, Update

import locales
from bot.buttons import button, rows
from bot.command import Command, Topic
from bot.context import Context, arguments
from bot.spending.brake import ANSWER, DAY, SpendingLimits, spent_on
from engine.money import ZERO, Money
from locales.amounts import usd_written

MOST = Money.usd("10000")
CHOICES = {
    ANSWER: (Money.usd("0.01"), Money.usd("0.05"), Money.usd("0.20")),
    DAY: (Money.usd("0.10"), Money.usd("1"), Money.usd("5")),
}
_NAMES = {"answer": ANSWER, "question": ANSWER, "câu": ANSWER, "day": DAY, "daily": DAY, "ngày": DAY}
_OFF = frozenset({"off", "none", "tắt"})
_FILLERS = frozenset({"a", "an", "per", "each", "one", "mỗi", "một"})


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A change of the limits in `names`. `amount` None: no limit."""

    names: tuple[str, ...]
    amount: Money | None

    def applied_to(self, limits: SpendingLimits) -> SpendingLimits:
        return replace(limits, **dict.fromkeys(self.names, self.amount))


async def limit(_: Update, context: Context) -> None:
    words = arguments(context)
    change = read_change(context, words)
    if words and change is None:
        await context.reply(context.t("limit.usage", most=MOST))
        return
    if change is not None:
        await _apply(context, change)
    await context.reply(*await _panel(context))


def read_change(context: Context, words: Sequence[str]) -> LimitChange | None:
    """Return the change in the words after the command, such as `5¢`, `day $1`, `off`; None if they are none."""
    plain = [word.lower().strip("/") for word in words]
    names = {_NAMES[word] for word in plain if word in _NAMES}
    rest = [word for word in plain if word not in _NAMES and word not in _FILLERS]
    if len(names) > 1 or not rest:
        return None
    if len(rest) == 1 and rest[0] in _OFF:
        return LimitChange(tuple(names) or (ANSWER, DAY), None)
    amount = _amount(context, " ".join(rest))
    return None if amount is None else LimitChange(tuple(names) or (ANSWER,), amount)


def _amount(context: Context, text: str) -> Money | None:
    """Return an amount that can be a limit: above zero, at most MOST, in whole nano-dollars; None otherwise."""
    usd = usd_written(text, locales.find(context.language).formats)
    try:
        amount = None if usd is None else Money.usd(usd)
    except ValueError:
        return None
    return amount if amount is not None and ZERO < amount <= MOST else None


async def _apply(context: Context, change: LimitChange) -> None:
    state = await context.state(fresh=True)
    limits = change.applied_to(SpendingLimits.of(state.settings))
    await context.services.db.write(lambda conn: limits.store(conn, state.id))


async def _panel(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    state, services = await context.state(fresh=True), context.services
    limits, today = SpendingLimits.of(state.settings), services.clock.now().date()
    catalog = services.market.catalog
    spent = await services.db.read(lambda conn: spent_on(conn, catalog, state.id, today))
    text = context.t("limit.panel", answer=_shown(context, limits.answer), day=_shown(context, limits.day), spent=spent)
    return text, _keyboard(context)


def _shown(context: Context, bound: Money | None) -> str:
    return context.t("limit.none") if bound is None else context.written(bound)


def _keyboard(context: Context) -> InlineKeyboardMarkup:
    owner = context.user.id
    buttons = [
        button(context.t(f"limit.button_{name}", usd=usd), "limit", "set", name, usd.nanousd, owner=owner)
        for name, amounts in CHOICES.items()
        for usd in amounts
    ]
    buttons.append(button(context.t("limit.button_off"), "limit", "off", owner=owner))
    return rows(buttons, width=3)


async def choose(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Set the limit on the pressed button."""
    name, amount = args[0], Money(int(args[1]))
    if amount in CHOICES.get(name, ()):
        await _apply(context, LimitChange((name,), amount))
    await context.edit_or_reply(*await _panel(context))


async def turn_off(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Remove both limits."""
    await _apply(context, LimitChange((ANSWER, DAY), None))
    await context.edit_or_reply(*await _panel(context))


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Show the limits below another page."""
    await context.reply(*await _panel(context))


COMMAND = Command(
    "limit", limit, 8, topic=Topic.MONEY, buttons={"open": show, "set": choose, "off": turn_off}, ephemeral=True
)
