"""Cors: headers that let browsers call /v1 from allowed origins. API keys protect the routes; there are no cookies."""

import re
from collections.abc import Collection, Mapping
from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]
ANY = "*"
EXPOSED = (
    "x-request-id",
    "request-id",
    "x-farthing-provider",
    "x-farthing-model",
    "x-farthing-ignored",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "retry-after",
    "idempotent-replayed",
)
_METHODS = b"GET, HEAD, POST, DELETE, OPTIONS"
_MAX_AGE = b"86400"
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, \t-]{1,4096}")


class Cors:
    """The origins that may call /v1 from a browser; "*" allows all."""

    def __init__(self, origins: Collection[str]) -> None:
        self._any = ANY in origins
        self._origins = frozenset(origin.lower().encode() for origin in origins)
        self._exposed = ", ".join(EXPOSED).encode()

    def headers(self, request: Mapping[bytes, bytes]) -> Headers:
        """Return the headers for the response to `request`; none if it does not come from a browser."""
        origin = request.get(b"origin")
        return [] if origin is None else [*self._allowed(origin), (b"access-control-expose-headers", self._exposed)]

    def is_preflight(self, method: str, request: Mapping[bytes, bytes]) -> bool:
        """Return True for the question that a browser sends before the actual request. It carries no key."""
        return method == "OPTIONS" and b"origin" in request and b"access-control-request-method" in request

    def preflight(self, request: Mapping[bytes, bytes]) -> Headers:
        """Return the headers that allow the actual request, in addition to those of every response.

        The value "*" would not include Authorization.
        """
        allowed = [(b"access-control-allow-methods", _METHODS)]
        names = request.get(b"access-control-request-headers", b"")
        if _HEADER_NAMES.fullmatch(names):
            allowed.append((b"access-control-allow-headers", names))
        return [*allowed, (b"access-control-max-age", _MAX_AGE), (b"vary", b"access-control-request-headers")]

    def _allowed(self, origin: bytes) -> Headers:
        if self._any:
            return [(b"access-control-allow-origin", b"*")]
        vary = (b"vary", b"origin")
        return [(b"access-control-allow-origin", origin), vary] if origin.lower() in self._origins else [vary]
