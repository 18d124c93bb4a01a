"""The choice of a time zone: buttons for the likely ones, and a search."""

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

import locales
from bot.buttons import button
from bot.context import Context
from bot.scheduled.wording import zone_words
from bot.scheduled.zone_search import offset_text
from storage.schedules.zones import SETTING, UTC_NAME, known_zone, zone_of

COMMAND = "timezone"
_BY_LANGUAGE = {
    "vi": ("Asia/Ho_Chi_Minh",),
    "de": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
    "fr": ("Europe/Paris", "Europe/Brussels", "America/Toronto"),
    "es": ("Europe/Madrid", "America/Mexico_City", "America/Bogota"),
    "pt": ("America/Sao_Paulo", "Europe/Lisbon"),
    "it": ("Europe/Rome",),
    "ru": ("Europe/Moscow", "Asia/Yekaterinburg"),
    "uk": ("Europe/Kyiv",),
    "ja": ("Asia/Tokyo",),
    "ko": ("Asia/Seoul",),
    "zh": ("Asia/Shanghai", "Asia/Taipei", "Asia/Singapore"),
    "id": ("Asia/Jakarta",),
    "hi": ("Asia/Kolkata",),
}
"""The likely zones of the people who use Telegram in a language."""
_ELSEWHERE = ("Europe/London", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "America/Los_Angeles")


def zone_buttons(context: Context, names: tuple[str, ...] | list[str] = ()) -> list[list[InlineKeyboardButton]]:
    """Return a button for each of these zones, or for the likely ones; then UTC and the search."""
    owner, code = context.user.id, (context.user.language_code or context.language).partition("-")[0]
    shown = names or _BY_LANGUAGE.get(code, _ELSEWHERE)
    made = [each for name in shown if (each := _zone_button(context, name)) is not None]
    if not names:
        made.append(button(UTC_NAME, COMMAND, "set", UTC_NAME, owner=owner))
    made.append(button(context.t("timezone.search"), COMMAND, "ask", owner=owner))
    return [made[start : start + 2] for start in range(0, len(made), 2)]


def _zone_button(context: Context, name: str) -> InlineKeyboardButton | None:
    """Return a button for a zone with its current offset; None if this machine does not know the zone."""
    zone = known_zone(name)
    if zone is None:
        return None
    offset = offset_text(zone, context.services.clock.now())
    is_fixed = zone_words(zone).startswith("UTC")
    label = zone_words(zone) if is_fixed else f"{locales.find(context.language).formats.city(name)} · {offset}"
    return button(label, COMMAND, "set", name, owner=context.user.id)


async def zone_page(context: Context, names: list[str] | None = None) -> tuple[str, InlineKeyboardMarkup]:
    """Return the page with the current zone; with several `names`, the question which of them is meant."""
    if names is not None:
        return context.t("timezone.which"), InlineKeyboardMarkup(zone_buttons(context, names))
    settings, now = (await context.state(fresh=True)).settings, context.services.clock.now()
    zone = zone_of(settings)
    text = context.t("timezone.head", zone=zone_words(zone), time=f"{now.astimezone(zone):%H:%M}")
    if SETTING not in settings:
        text = f"{text}\n{context.t('timezone.default')}"
    return text, InlineKeyboardMarkup(zone_buttons(context))
