"""Ids of tool calls: unique ones, ids that contain a provider's signature, and the forms that providers accept.

Gemini signs its calls, and refuses a later request without the signature. A client of OpenAI's API sends back only a
call's id, name and arguments, so the id contains the signature. This needs no storage: any replica can read it, even
after a restart. A checksum detects an id that a client has shortened; its call then counts as unsigned.

A stream reader gives the client `carrying(id, signature)`. A request to a provider contains `plain(id)` in that
provider's form, and `signature_in(id)` if the provider is the one that signed.
"""

import base64
import binascii
import re
import secrets
import string
from collections.abc import Callable
from hashlib import sha256
from zlib import crc32

ANSWER_TOOL = "farthing_answer"
"""The name of the tool that a model must call if its provider has no other way to enforce a JSON schema.

Its arguments are the answer: a stream reader passes them on as text.
"""

MOST_ID_CHARS = 64
MOST_SIGNATURE_CHARS = 16_384  # many clients and databases refuse an id with a longer signature
_MARK, _RAW_MARK = "-sig1", "-sig0"  # marks a base64 signature; marks a signature of any other text
_SUM_CHARS = 6
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LETTERS = string.ascii_letters + string.digits


def new_id() -> str:
    """Return a new id for a call that has none."""
    return "call_" + "".join(secrets.choice(_LETTERS) for _ in range(24))


def carrying(call_id: str, signature: str) -> str:
    """Return an id that contains `signature`; a missing or unsafe id is replaced by a new one.

    A signature of more than MOST_SIGNATURE_CHARS is left out.
    """
    own = call_id if _SAFE_ID.fullmatch(call_id) and not _marked(call_id) else new_id()
    if not signature or len(signature) > MOST_SIGNATURE_CHARS:
        return own
    mark, content = _packed(signature)
    return f"{own}{mark}{_checksum(content)}{_base64url(content)}"


def plain(call_id: str) -> str:
    """Return the id without its signature."""
    mark = _marked(call_id)
    return call_id.partition(mark)[0] if mark else call_id


def signature_in(call_id: str) -> str:
    """Return the signature in the id; empty if it contains none, or only a part of one."""
    mark = _marked(call_id)
    if not mark:
        return ""
    tail = call_id.partition(mark)[2]
    try:
        content = base64.urlsafe_b64decode(tail[_SUM_CHARS:] + "=" * (-len(tail[_SUM_CHARS:]) % 4))
    except (ValueError, binascii.Error):
        return ""
    if _checksum(content) != tail[:_SUM_CHARS]:
        return ""
    return base64.b64encode(content).decode() if mark == _MARK else content.decode("utf-8", "replace")


def of_nine_letters(call_id: str) -> str:
    """Return the id in Mistral's form: nine letters or digits. Equal ids have equal forms."""
    own = plain(call_id)
    if len(own) == 9 and own.isascii() and own.isalnum():  # noqa: PLR2004
        return own
    number = int.from_bytes(sha256(own.encode(errors="replace")).digest())
    return "".join(_LETTERS[number // len(_LETTERS) ** place % len(_LETTERS)] for place in range(9))


def of_at_most(chars: int) -> Callable[[str], str]:
    """Return a function that brings an id into the form `[A-Za-z0-9_-]`, of at most `chars` characters."""

    def shortened(call_id: str) -> str:
        own = plain(call_id)
        if len(own) <= chars and _SAFE_ID.fullmatch(own):
            return own
        return "call_" + sha256(own.encode(errors="replace")).hexdigest()[:24]

    return shortened


def _marked(call_id: str) -> str:
    """Return the first mark in the id; empty if there is none."""
    found = [(at, mark) for mark in (_MARK, _RAW_MARK) if (at := call_id.find(mark)) >= 0]
    return min(found)[1] if found else ""


def _packed(signature: str) -> tuple[str, bytes]:
    """Return the mark and the bytes of a signature, such that unpacking gives the same text."""
    try:
        content = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        content = b""
    if content and base64.b64encode(content).decode() == signature:
        return _MARK, content
    return _RAW_MARK, signature.encode(errors="replace")


def _checksum(content: bytes) -> str:
    return _base64url(crc32(content).to_bytes(4))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
