"""Shared parts of the Mini App's answers: headers, described errors, texts and amounts in the user's language."""

import locales
from web.miniapp.access import MiniAppUser
from web.openapi_parts import Responses, errors

PRIVATE = {"cache-control": "no-store"}
_ERRORS = {
    401: "The initData, session or link is missing, not valid or expired: see `code`",
    403: "The user has not started the bot, is not admitted, was declined, or is banned: see `code`",
    404: "It does not exist, or not for this user",
    409: "The state does not allow it: see `code`",
    429: "Too often: see Retry-After",
    502: "Telegram does not answer; nothing was changed",
}


def app_errors(*statuses: int) -> Responses:
    """Return the error responses for a route with user data."""
    return errors(401, 403, 429, *statuses, words=_ERRORS, challenge="tma")


def text(user: MiniAppUser, key: str, /, **values: object) -> str:
    """Return a text of the bot in the user's language, without Markdown marks."""
    return plain(locales.text(user.texts, key, **values))


def written(user: MiniAppUser, value: object, form: str = "") -> str:
    """Return an amount, a number or a date as text in the user's language."""
    return locales.written(locales.find(user.texts).formats, value, form)


def plain(markdown: str) -> str:
    return markdown.replace("*", "").replace("`", "").strip()
