"""Request heads: the size of the body that one announces, and the removal of its Upgrade header."""

import re
from collections.abc import Iterable

SHORT_BODY_BYTES = 64 * 1024
_UPGRADE = re.compile(rb"\r\nupgrade([ \t]*:)", re.IGNORECASE)


def without_upgrade(data: bytes) -> bytes:
    """Return a request's beginning without its Upgrade header, because of which the parser would skip the body.

    Java's HTTP client offers HTTP/2 in each first request of a connection, and sends the body in HTTP/1.1.
    """
    if b"pgrade" not in data and b"PGRADE" not in data:
        return data
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(rb"\r\nx-upgrade\1", head) + end + rest


def has_short_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return True if the head announces a body of at most SHORT_BODY_BYTES."""
    length = next((value for name, value in headers if name == b"content-length"), b"")
    return length.isdigit() and 0 < int(length[:10]) <= SHORT_BODY_BYTES and len(length) <= len("65536")
