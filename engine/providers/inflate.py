"""Compressed bodies, unpacked in slices: the work of one step and the size of the whole are limited."""

import zlib
from collections.abc import Iterator, Mapping

from engine.errors import Garbled

SLICE_BYTES = 16_384
MOST_BODY_BYTES = 128_000_000
FREE_BYTES = 1_000_000  # any ratio of unpacked to packed size is allowed up to this size
MOST_TIMES = 200  # text compresses far less; a decompression bomb reaches a thousand
_NO_ENCODINGS = frozenset({"", "identity", "none", "utf-8", "utf8", "aws-chunked"})  # no packing, by any server
_PLAIN_SIGNS = b"d:{[<eri \r\n\t"  # that a stream or JSON may begin with, and packed data does not
_HEADER_BYTES = 2
_GZIP_OR_ZLIB, _RAW_DEFLATE = 47, -15


class Inflater:
    """Unpacks one body of gzip or deflate. A body that is not packed, whatever its head says, stays as it is."""

    def __init__(self, encoding: str) -> None:
        self._may_be_raw = encoding == "deflate"
        self._may_be_plain, self._is_plain = encoding != "deflate", False
        self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._received = self._unpacked = 0
        self._held = b""  # the first byte: only two tell a raw stream from one with a header

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield the unpacked bytes in slices. Raises Garbled for invalid data and for a decompression bomb."""
        self._received += len(packed)
        packed, self._held = self._held + packed, b""
        if self._may_be_raw and len(packed) < _HEADER_BYTES:
            self._held = packed
            return
        if packed and self._may_be_plain:
            self._may_be_plain, self._is_plain = False, packed[0] in _PLAIN_SIGNS
        if self._is_plain:
            yield from (packed[start : start + SLICE_BYTES] for start in range(0, len(packed), SLICE_BYTES))
            return
        while packed:
            slice_ = self._unpack(packed)
            packed = self._unpacker.unconsumed_tail
            while slice_:
                self._count(slice_)
                yield slice_
                if len(slice_) < SLICE_BYTES and not packed:
                    break
                slice_ = self._unpack(packed)
                packed = self._unpacker.unconsumed_tail
            if self._unpacker.eof:  # some servers pack each part by itself
                packed = self._unpacker.unused_data
                self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)

    def _unpack(self, packed: bytes) -> bytes:
        may_be_raw, self._may_be_raw = self._may_be_raw, False
        try:
            return self._unpacker.decompress(packed, SLICE_BYTES)
        except zlib.error as error:
            if not may_be_raw:
                raise Garbled("a body that can't be unpacked") from error
        self._unpacker = zlib.decompressobj(_RAW_DEFLATE)
        return self._unpack(packed)

    def _count(self, slice_: bytes) -> None:
        self._unpacked += len(slice_)
        if self._unpacked > FREE_BYTES and self._unpacked > MOST_TIMES * self._received:
            raise Garbled("a compressed body that expands too far")


def inflater_of(headers: Mapping[str, str]) -> Inflater | None:
    """Return the inflater for a response; None if it is not packed.

    Raises Garbled for an encoding we did not request.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in _NO_ENCODINGS:
        return None
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise Garbled("a content encoding that was not asked for")
    return Inflater(encoding)
