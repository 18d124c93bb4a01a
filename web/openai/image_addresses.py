"""Addresses of images: those of private networks are refused."""

import ipaddress
import re
import unicodedata
from urllib.parse import urlsplit

_LOCAL_NAMES = (
    *("localhost", ".localhost", ".localdomain", ".local", ".internal", ".home.arpa"),
    *(".svc", ".lan", ".home", ".corp", ".intranet", ".private"),
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in its last 32 bits
_REFUSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # the metadata service of Azure
            "192.0.0.0/24",  # protocol assignments, and the metadata service of Oracle
            "::/8",  # older forms of IPv4 addresses within IPv6
            "64:ff9b:1::/48",  # NAT64 of a private network
        ),
    )
)
_READ_DIFFERENTLY = re.compile(r"[\\@%\s]")
"""Characters of a host that URL libraries disagree about: one reads a name after them, another one before them."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def is_public(url: str) -> bool:
    """Return False for loopback, private, link-local and metadata addresses and local names, in any spelling.

    Also False for addresses that contain a password, and for those that programs read in different ways.
    A public name may still resolve to such an address. Farthing fetches no image itself; the provider does.
    """
    try:
        split = urlsplit(url)
        host, _ = _normalized(split.hostname or "").rstrip(".").lower(), split.port
    except ValueError:
        return False
    if _CONTROLS.search(url) or _READ_DIFFERENTLY.search(split.netloc):
        return False
    if not host or host in _LOCAL_NAMES or host.endswith(_LOCAL_NAMES) or "." not in host.replace(":", "."):
        return False
    address = _address(host)
    return address is None or (
        address.is_global and not address.is_multicast and not any(address in network for network in _REFUSED)
    )


def _normalized(host: str) -> str:
    """Return the host in the form that resolvers read: digits and dots of other scripts become ASCII."""
    return unicodedata.normalize("NFKC", host).replace("\u3002", ".")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address of `host`, or None for a name."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # Some resolvers read 127.1, 0x7f000001 and 017700000001 as addresses, so these are refused.
        last = host.rpartition(".")[2]
        return ipaddress.ip_address("0.0.0.0") if last.isdigit() or last.startswith("0x") else None  # noqa: S104 - refused
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return found.ipv4_mapped or found.sixtofour or found
    return found
