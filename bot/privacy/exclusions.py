"""The page where a person, or an operator for a tenant, excludes providers: singly, by country, or all that train."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

import locales
from bot.buttons import button, rows
from bot.context import Context
from engine.privacy import DataPolicy, Exclusions, exclusions_from, stored_exclusions
from engine.providers.registry import brand
from storage.database.connection import Connection
from storage.tenants import tenant_settings, tenants

Change: TypeAlias = Callable[[Exclusions], Exclusions]
MOST_NAME_BYTES = 24  # longest provider name that fits into a button's data
ALLOWED, LEFT_OUT = "✓", "✗"


@dataclass(frozen=True, slots=True)
class ExclusionsPage:
    """A page with the exclusions of a tenant.

    `before`: arguments that its buttons carry before their own. `of`: the tenant's name, if an operator reads the page.
    """

    tenant_id: int
    command: str = "settings"
    back: tuple[str, str] = ("privacy.back", "open")
    before: tuple[str, ...] = ()
    of: str = ""


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state = await context.state(fresh=True)
    await show_page(context, ExclusionsPage(state.id), state.exclusions)


async def show_page(context: Context, of: ExclusionsPage, exclusions: Exclusions) -> None:
    await context.edit_or_reply(page(context, exclusions, of.of), _keyboard(context, of, exclusions))


async def toggle_provider(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(context, without_provider(args[0]))


async def toggle_country(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(context, without_country(args[0]))


async def toggle_training(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _change(context, without_training)


def without_provider(name: str) -> Change:
    return lambda now: replace(now, providers=now.providers ^ {name})


def without_country(code: str) -> Change:
    return lambda now: replace(now, countries=now.countries ^ {code})


def without_training(now: Exclusions) -> Exclusions:
    return replace(now, training=not now.training)


async def _change(context: Context, change: Change) -> None:
    tenant_id = (await context.state()).id
    await context.services.db.write(lambda conn: store_change(conn, tenant_id, change))
    await show_page(context, ExclusionsPage(tenant_id), (await context.state(fresh=True)).exclusions)


def store_change(conn: Connection, tenant_id: int, change: Change) -> None:
    def changed(stored: object) -> object:
        exclusions = change(exclusions_from(stored))
        return stored_exclusions(exclusions) if exclusions else None

    tenant_settings.change_setting(conn, tenant_id, tenants.EXCLUSIONS, changed)


def page(context: Context, exclusions: Exclusions, of: str = "") -> str:
    """Return the providers with their countries and what they may do with prompts, and whether each is excluded."""
    names = providers(context)
    lines = "\n".join(_line(context, name, exclusions) for name in names)
    text = context.t("privacy.who_of", name=of, lines=lines) if of else context.t("privacy.who", lines=lines)
    if all(exclusions.cover(name, policy_of(context, name)) for name in names):
        text += context.t("privacy.none_left")
    return text


def providers(context: Context) -> list[str]:
    """Return the providers that have a key."""
    market = context.services.market
    return sorted(name for name in market.providers if market.catalog.configured(name))


def policy_of(context: Context, provider: str) -> DataPolicy:
    return context.services.market.catalog.policies.of(provider)


def _line(context: Context, provider: str, exclusions: Exclusions) -> str:
    policy = policy_of(context, provider)
    mark = LEFT_OUT if exclusions.cover(provider, policy) else ALLOWED
    where = context.t("privacy.own") if policy.is_own else country_name(context, policy.country)
    return f"{mark} **{brand(provider)}** ({where}): {context.t(_training(context, provider, policy))}"


def _training(context: Context, provider: str, policy: DataPolicy) -> str:
    """Return the key of the text about training. A free tier is considered if the operator enabled it."""
    if policy.passes_on:
        return "privacy.passes_on"
    if policy.trains is None:
        return "privacy.trains_unknown"
    if policy.trains:
        return "privacy.trains"
    has_free_tier = any(offer.provider == provider for offer in context.services.market.catalog.free.allowed)
    return "privacy.trains_free" if has_free_tier and policy.free_tier_trains is not False else "privacy.trains_not"


def country_name(context: Context, code: str) -> str:
    """Return the name of a country in the reader's language."""
    return locales.find(context.language).formats.country(code) if code else context.t("privacy.no_country")


def _keyboard(context: Context, of: ExclusionsPage, exclusions: Exclusions) -> InlineKeyboardMarkup:
    def to(label: str, action: str, *args: str, left_out: bool) -> InlineKeyboardButton:
        mark = LEFT_OUT if left_out else ALLOWED
        return button(f"{mark} {label}", of.command, action, *of.before, *args, owner=context.user.id)

    names = [name for name in providers(context) if len(name.encode()) <= MOST_NAME_BYTES and ":" not in name]
    known = {policy_of(context, name).country for name in names} | exclusions.countries
    buttons = [to(context.t("privacy.button_training"), "who_training", left_out=exclusions.training)]
    countries = [
        to(country_name(context, code), "who_country", code, left_out=code in exclusions.countries)
        for code in sorted(known - {""})
    ]
    shown = [n for n in names if n in exclusions.providers or not exclusions.cover(n, policy_of(context, n))]
    named = [to(brand(name), "who_provider", name, left_out=name in exclusions.providers) for name in shown]
    label, action = of.back
    back = button(context.t(label), of.command, action, *of.before, owner=context.user.id)
    by_country, by_name = rows(countries, width=3).inline_keyboard, rows(named, width=3).inline_keyboard
    return InlineKeyboardMarkup([buttons, *by_country, *by_name, [back]])


ACTIONS = {
    "who": show,
    "who_provider": toggle_provider,
    "who_country": toggle_country,
    "who_training": toggle_training,
}
