"""Parts that the answers of the Mini App share: headers, described errors, texts and amounts as the user reads them."""

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
    """Return the errors of a route with the user's data."""
    return errors(401, 403, 429, *statuses, words=_ERRORS, challenge="tma")


def text(user: MiniAppUser, key: str, /, **values: object) -> str:
    """Return a text of the bot in the user's language, without the marks of Markdown."""
    return plain(locales.text(user.texts, key, **values))


def written(user: MiniAppUser, value: object, form: str = "") -> str:
    """Return an amount, a number or a date as the user's language writes it."""
    return locales.written(locales.find(user.texts).formats, value, form)


def plain(markdown: str) -> str:
    return markdown.replace("*", "").replace("`", "").strip()
