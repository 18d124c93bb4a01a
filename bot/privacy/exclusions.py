"""The page of /settings where a person leaves out providers: one by one, by country, or all that train on prompts."""

from collections.abc import Callable
from dataclasses import replace

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.context import Context
from bot.formatting.brands import brand
from engine.privacy import DataPolicy, Exclusions, exclusions_from, stored_exclusions
from storage.tenants import tenant_settings, tenants

MOST_NAME_BYTES = 24  # of a provider's name within a button's data
ALLOWED, LEFT_OUT = "✓", "✗"


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state = await context.state(fresh=True)
    await context.edit_or_reply(page(context, state.exclusions), _keyboard(context, state.exclusions))


async def toggle_provider(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(context, lambda now: replace(now, providers=now.providers ^ {args[0]}))


async def toggle_country(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await _change(context, lambda now: replace(now, countries=now.countries ^ {args[0]}))


async def toggle_training(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _change(context, lambda now: replace(now, training=not now.training))


async def _change(context: Context, change: Callable[[Exclusions], Exclusions]) -> None:
    tenant_id = (await context.state()).id

    def changed(stored: object) -> object:
        exclusions = change(exclusions_from(stored))
        return stored_exclusions(exclusions) if exclusions else None

    await context.services.db.write(
        lambda conn: tenant_settings.change_setting(conn, tenant_id, tenants.EXCLUSIONS, changed)
    )
    now = (await context.state(fresh=True)).exclusions
    await context.edit_or_reply(page(context, now), _keyboard(context, now))


def page(context: Context, exclusions: Exclusions) -> str:
    """Return the providers with their countries and what they may do with prompts, each allowed or left out."""
    names = providers(context)
    lines = "\n".join(_line(context, name, exclusions) for name in names)
    text = context.t("privacy.who", lines=lines)
    if all(exclusions.cover(name, policy_of(context, name)) for name in names):
        text += context.t("privacy.none_left")
    return text


def providers(context: Context) -> list[str]:
    """Return the providers that have a key."""
    market = context.services.market
    return sorted(name for name in market.providers if market.catalog.is_configured(name))


def policy_of(context: Context, provider: str) -> DataPolicy:
    return context.services.market.catalog.policies.of(provider)


def _line(context: Context, provider: str, exclusions: Exclusions) -> str:
    policy = policy_of(context, provider)
    mark = LEFT_OUT if exclusions.cover(provider, policy) else ALLOWED
    where = context.t("privacy.own") if policy.is_own else country_name(context, policy.country)
    return f"{mark} **{brand(provider)}** ({where}): {context.t(_training(context, provider, policy))}"


def _training(context: Context, provider: str, policy: DataPolicy) -> str:
    """Return the key of the text on training. A free tier counts where the operator has it switched on."""
    if policy.passes_on:
        return "privacy.passes_on"
    if policy.trains is None:
        return "privacy.trains_unknown"
    if policy.trains:
        return "privacy.trains"
    has_free_tier = any(offer.provider == provider for offer in context.services.market.catalog.free.allowed)
    return "privacy.trains_free" if has_free_tier and policy.free_tier_trains is not False else "privacy.trains_not"


def country_name(context: Context, code: str) -> str:
    """Return the name of a country of the built-in providers; another one's code as it is."""
    if not code:
        return context.t("privacy.no_country")
    return context.t(f"country.{code}") if code in COUNTRIES else code


COUNTRIES = frozenset({"CN", "FR", "US"})
"""The countries that have names in the locales: those of the built-in providers."""


def _keyboard(context: Context, exclusions: Exclusions) -> InlineKeyboardMarkup:
    def to(label: str, action: str, *args: str, left_out: bool) -> InlineKeyboardButton:
        return button(f"{LEFT_OUT if left_out else ALLOWED} {label}", "settings", action, *args, owner=context.user.id)

    names = [name for name in providers(context) if len(name.encode()) <= MOST_NAME_BYTES and ":" not in name]
    known = {policy_of(context, name).country for name in names} | exclusions.countries
    buttons = [to(context.t("privacy.button_training"), "who_training", left_out=exclusions.training)]
    countries = [
        to(country_name(context, code), "who_country", code, left_out=code in exclusions.countries)
        for code in sorted(known - {""})
    ]
    shown = [n for n in names if n in exclusions.providers or not exclusions.cover(n, policy_of(context, n))]
    named = [to(brand(name), "who_provider", name, left_out=name in exclusions.providers) for name in shown]
    back = button(context.t("privacy.back"), "settings", "open", owner=context.user.id)
    by_country, by_name = rows(countries, width=3).inline_keyboard, rows(named, width=3).inline_keyboard
    return InlineKeyboardMarkup([buttons, *by_country, *by_name, [back]])


ACTIONS = {
    "who": show,
    "who_provider": toggle_provider,
    "who_country": toggle_country,
    "who_training": toggle_training,
}
