"""Vectors read from a provider's answer and checked: one per input, of equal length, of finite numbers."""

import json
import math
import sys
from array import array
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from engine.embeddings import EmbeddingCall, Vector
from engine.errors import CapabilityMissing, Garbled

MOST_VALUES = 2_000_000  # in one answer: parsing this many decimal numbers takes a quarter of a second
MOST_BRACKETS = 50_000  # a vector has two brackets; objects take ten times as long to make as numbers
_BYTES_PER_NUMBER = 4


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body. Raises Garbled, also if it has more values than any vectors need."""
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MOST_BRACKETS or body.count(b",") + brackets > MOST_VALUES:
        raise Garbled(f"an answer of over {MOST_VALUES:,} values or {MOST_BRACKETS:,} objects")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled("an answer that is no JSON") from error
    if not isinstance(data, dict):
        raise Garbled("an answer that is not an object")
    return data


def vector(found: Any) -> Vector:
    """Return a list of numbers, or base64 of little-endian 32-bit floats, as a vector. Raises Garbled."""
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):  # llama.cpp
        found = found[0]
    try:
        read = _from_base64(found) if isinstance(found, str) else array("d", found)
    except (TypeError, ValueError) as error:
        raise Garbled("an embedding that is not a vector") from error
    if not read or not math.isfinite(sum(read)):
        raise Garbled("an embedding that is empty or not finite")
    return read


def checked(vectors: Sequence[Vector], call: EmbeddingCall) -> tuple[Vector, ...]:
    """Return the vectors if there is one per input and all have one length.

    Raises Garbled, and CapabilityMissing if the length is not the requested one.
    """
    lengths = {len(each) for each in vectors}
    if len(vectors) != len(call.inputs) or len(lengths) != 1:
        raise Garbled(f"{len(vectors)} embeddings of {len(lengths)} lengths for {len(call.inputs)} inputs")
    if call.dimensions is not None and lengths != {call.dimensions}:
        raise CapabilityMissing("has another number of dimensions than the request asks for")
    return tuple(vectors)


def _from_base64(text: str) -> Vector:
    data = b64decode(text, validate=True)
    if len(data) % _BYTES_PER_NUMBER:
        raise ValueError("the length is not a multiple of 4 bytes")
    numbers = array("f")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
