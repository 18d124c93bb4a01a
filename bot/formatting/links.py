"""URLs that Telegram accepts as links."""

import re
from urllib.parse import urlsplit

_WEB_SCHEMES, _APP_SCHEMES = frozenset({"http", "https"}), frozenset({"tg", "ton"})
_HOST, _APP_HOST = re.compile(r"(?:[a-z0-9.!$,~*'();&+=_-]|[^\x00-\x7f])+"), re.compile(r"[a-z0-9_-]+")


def is_safe_link(url: str) -> bool:
    """Return whether Telegram accepts this URL as a link.

    For a link that it does not accept, it refuses the whole message.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    scheme = parts.scheme.lower()
    if "://" not in url or port == 0 or any(char.isspace() for char in url):
        return False
    if scheme in _APP_SCHEMES:
        return _APP_HOST.fullmatch(host) is not None
    return scheme in _WEB_SCHEMES and (":" in host or ("." in host.strip(".") and _HOST.fullmatch(host) is not None))


def without_spaces(url: str) -> str:
    """Return a web address with its spaces encoded; models write them as they are."""
    return url.replace(" ", "%20") if url.startswith(("http://", "https://")) else url
