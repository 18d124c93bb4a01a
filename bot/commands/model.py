"""/model: choose the model that answers; shows the current charge of each."""

from decimal import Decimal

from msgspec.structs import replace
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command, Topic
from bot.context import Context, arguments
from bot.error_texts import sentence
from engine.catalog.defaults import USUAL_REQUEST
from engine.errors import EngineError, ModelNotInPlan
from engine.money import Money
from engine.privacy import Exclusions
from engine.tenancy import Flat, Markup
from storage.tenants import tenant_settings

MOST_NAMED = 12
MOST_TOAST = 200
ESTIMATE_DIGITS = 2


async def model(_: Update, context: Context) -> None:
    if not arguments(context):
        await context.reply(*await _list(context))
        return
    name = spelled(context, " ".join(arguments(context)))
    if error := await choose(context, name):
        await context.reply(sentence(context.t, error))
    else:
        await context.reply(context.t("model.set", model=name), _keyboard(context, name))


def spelled(context: Context, name: str) -> str:
    """Return a model's name as it is known: people type `GPT-4o`. An unknown one is returned as it is."""
    for each in (name, name.lower()):
        try:
            context.services.market.catalog.model(each)
        except EngineError:
            continue
        return each
    return name


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Show the list below the message with the pressed button."""
    await context.reply(*await _list(context))


async def choose_by_number(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Choose the model of the pressed button, and mark it in the list."""
    names = context.services.market.catalog.names()
    number = int(args[0])
    if number >= len(names):
        await context.answer_press(context.t("button.stale"), alert=True)
    elif error := await choose(context, names[number]):
        await context.answer_press(sentence(context.t, error)[:MOST_TOAST], alert=True)
    else:
        await context.edit_or_reply(*await _list(context))


async def choose(context: Context, name: str) -> EngineError | None:
    """Store the model with this name, or return why it can't be chosen."""
    state, services = await context.state(), context.services
    tenant = state.tenant(services.plans)
    try:
        services.market.catalog.model(name)
        if not tenant.plan_allows(name):
            raise ModelNotInPlan(name, tenant.plan.name)
    except EngineError as error:
        return error
    await services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, "model", name))
    return None


async def _list(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    state = await context.state(fresh=True)
    chosen = str(state.settings.get("model", "auto"))
    text = context.t("model.choose", model=chosen, lines=_lines(context, state.exclusions))
    return text, _keyboard(context, chosen)


def _lines(context: Context, exclusions: Exclusions) -> str:
    offered, names = _offered(context), context.services.market.catalog.names()
    lines = "\n".join(f"• {_price(context, name, exclusions)}" for name in offered)
    rest = [name for name in names if name not in offered]
    return lines + (context.t("model.more", name=f"`{rest[0]}`") if rest else "")


def _offered(context: Context) -> list[str]:
    catalog = context.services.market.catalog
    return [*catalog.models, *[name for name in catalog.names() if name not in catalog.models][:MOST_NAMED]]


def _price(context: Context, name: str, exclusions: Exclusions) -> str:
    catalog, now = context.services.market.catalog, context.services.clock.now()
    found = catalog.model(name)
    if isinstance(found.tariff, Flat):
        price = Money.per_mtok(found.tariff.atto_per_token)
        return context.t("model.auto" if name == "auto" else "model.flat", name=name, usd=price)
    quotes, _ = catalog.quote(replace(USUAL_REQUEST, exclusions=exclusions), found, now)
    cheapest = min((quote.expected_atto for quote in quotes), default=None)
    usd = "?" if cheapest is None else Money.from_atto(cheapest, found.tariff.times).significant(ESTIMATE_DIGITS)
    if name in catalog.models:
        assert isinstance(found.tariff, Markup)
        return context.t("model.markup", name=name, times=Decimal(f"{float(found.tariff.times):g}"), usd=usd)
    return context.t("model.named", name=name, usd=usd)


def _keyboard(context: Context, chosen: str) -> InlineKeyboardMarkup:
    """Return the buttons. They contain numbers, because a model's name may be longer than callback data."""
    names = context.services.market.catalog.names()
    owner = context.user.id
    return rows([_button(name, names.index(name), chosen, owner) for name in _offered(context)])


def _button(name: str, number: int, chosen: str, owner: int) -> InlineKeyboardButton:
    return button(f"✓ {name}" if name == chosen else name, "model", "set", number, owner=owner)


COMMAND = Command("model", model, 5, topic=Topic.CHAT, buttons={"open": show, "set": choose_by_number}, ephemeral=True)
