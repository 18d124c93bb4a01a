"""What a dialect must be able to do, and what all of them need for it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from sandbox.providers.asked import Asked, AskedCall, StandInAnswer, StandInBill, StandInFrame
from sandbox.providers.refusals import Row, StandInRefused

IMAGE_TEXT = "i" * 1024  # a picture costs 256 tokens


class Dialect(Protocol):
    """`comment`: what keeps a silent stream alive, if anything does. A bill of None: usage is not told."""

    @property
    def comment(self) -> bytes: ...

    def asked(self, call: AskedCall) -> Asked:
        """Raises StandInRefused, as strictly as the real one."""

    def cached_written(self, asked: Asked, prompt: int, seen: int) -> tuple[int, int]:
        """Of `prompt` tokens, `seen` before: those read from the cache, and those written to it."""

    def frames(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> Iterator[StandInFrame]:
        """The whole stream, up to its end marker."""

    def whole(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> dict[str, Any]: ...

    def broken(self) -> Iterator[bytes]:
        """An error in mid-stream."""

    def models(self) -> dict[str, Any]: ...


def names(words: str) -> frozenset[str]:
    return frozenset(words.split())


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data(body: Mapping[str, Any], ending: str = "\n\n") -> bytes:
    return f"data: {dumps(body)}{ending}".encode()


def event(name: str, **body: Any) -> bytes:
    return f"event: {name}\n".encode() + data({"type": name, **body})


def messages_of(body: Mapping[str, Any], name: str, roles: frozenset[str], row: Row) -> list[Mapping[str, Any]]:
    """The turns under `name`. Raises StandInRefused with `row` when there are none or one isn't a turn."""
    found = body.get(name)
    if not isinstance(found, list) or not found:
        raise StandInRefused(row)
    if not all(isinstance(turn, dict) and turn.get("role", "user") in roles for turn in found):
        raise StandInRefused(row)
    return found


def most_of(value: Any, row: Row, otherwise: int = 4096) -> int:
    """An output limit. Raises StandInRefused with `row` for what can't be one."""
    if value is None:
        return otherwise
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise StandInRefused(row)
    return value


def listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
