"""The removal of the Upgrade header from the heads of requests."""

import re

_UPGRADE = re.compile(rb"\r\nupgrade([ \t]*:)", re.IGNORECASE)


def without_upgrade(data: bytes) -> bytes:
    """Return a request's beginning without its Upgrade header, because of which the parser would skip the body.

    Java's HTTP client offers HTTP/2 in each first request of a connection, and sends the body in HTTP/1.1.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(rb"\r\nx-upgrade\1", head) + end + rest
