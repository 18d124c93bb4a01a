"""Base of the stand-ins' dialects: the methods of every wire format, and shared helpers."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from starlette.requests import Request

from sandbox.providers.exchange import ParsedRequest, ReceivedCall, StandInAnswer, StandInFrame, StandInUsage
from sandbox.providers.refusals import Refusal, StandInRefused

IMAGE_TEXT = "i" * 1024  # a picture costs 256 tokens


class StandInDialect(ABC):
    """How one provider's server reads requests and writes answers.

    `title`: the provider's name for people. `models`: ids of the models that it lists. `keep_alive`: the comment that
    keeps a silent stream open, empty if there is none. `blank_lines`: whether a silent answer in one piece begins with
    blank lines. A usage of None is not reported.
    """

    dialect: ClassVar[str]
    refusals: ClassVar[Mapping[str, Refusal]]
    models: ClassVar[tuple[str, ...]]
    keep_alive: ClassVar[bytes] = b""
    blank_lines: ClassVar[bool] = False

    def __init__(self, title: str) -> None:
        self.title = title

    @abstractmethod
    def serves(self, path: str) -> bool:
        """Return whether POST requests to this path, without the base URL, belong to the dialect."""

    def embeds(self, path: str) -> bool:  # noqa: ARG002 - only if a dialect has embeddings
        """Return whether a request to this path asks for embeddings or their token count."""
        return False

    def embed(self, call: ReceivedCall, *, with_usage: bool) -> dict[str, Any]:  # noqa: ARG002
        """Return the body of an answer with embeddings. Raises StandInRefused as strictly as the real provider."""
        raise StandInRefused(self.refusals["malformed"])

    @abstractmethod
    def key(self, request: Request) -> str:
        """Return the caller's secret, empty when there is none."""

    @abstractmethod
    def parse(self, call: ReceivedCall) -> ParsedRequest:
        """Read a request. Raises StandInRefused as strictly as the real provider."""

    @abstractmethod
    def cached_written(self, asked: ParsedRequest, prompt: int, seen: int) -> tuple[int, int]:
        """Return the tokens read from and written to the prompt cache, of `prompt` tokens with `seen` sent before."""

    @abstractmethod
    def frames(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> Iterator[StandInFrame]:
        """Yield the whole stream, including its end marker."""

    @abstractmethod
    def whole(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> dict[str, Any]:
        """Return the body of an answer in one piece."""

    @abstractmethod
    def broken(self) -> Iterator[bytes]:
        """Yield an error in the middle of a stream."""

    @abstractmethod
    def model_list(self) -> dict[str, Any]:
        """Return the body of `GET /models`."""

    @abstractmethod
    def error_body(self, refusal: Refusal, wait_seconds: float) -> dict[str, Any]:
        """Return the body of an error answer."""

    def rejected(self, asked: ParsedRequest) -> Refusal:
        """Return a refusal that quotes the prompt in every part that may quote it."""
        message = f"Invalid value: '{asked.prompt}'. Please change it, then try again."
        return replace(self.refusals["malformed"], message=message, param=asked.prompt)

    def retry_headers(self, wait_seconds: float) -> dict[str, str]:
        """Return the headers of a 429 that contain the wait."""
        return {"retry-after": str(max(1, round(wait_seconds)))}

    def limit_headers(self, limit: int, left: int, reset_seconds: float) -> dict[str, str]:  # noqa: ARG002 - none here
        """Return the headers of every answer that contain the request limit and its rest."""
        return {}

    def probes(self, *, has_money: bool) -> dict[str, Any]:  # noqa: ARG002 - only if a balance can be read
        """Return the bodies of the free GET requests, by path."""
        return {"models": self.model_list()}


def names(words: str) -> frozenset[str]:
    return frozenset(words.split())


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data(body: Mapping[str, Any], ending: str = "\n\n") -> bytes:
    return f"data: {dumps(body)}{ending}".encode()


def event(name: str, **body: Any) -> bytes:
    return f"event: {name}\n".encode() + data({"type": name, **body})


def messages_of(body: Mapping[str, Any], name: str, roles: frozenset[str], refusal: Refusal) -> list[Mapping[str, Any]]:
    """Return the turns under `name`. Raises `refusal` if there are none, or one is not a turn."""
    found = body.get(name)
    if not isinstance(found, list) or not found:
        raise StandInRefused(refusal)
    if not all(isinstance(turn, dict) and turn.get("role", "user") in roles for turn in found):
        raise StandInRefused(refusal)
    return found


def output_limit(value: Any, refusal: Refusal, otherwise: int = 4096) -> int:
    """Return an output limit in tokens. Raises `refusal` for a value that can't be one."""
    if value is None:
        return otherwise
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise StandInRefused(refusal)
    return value


def listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())
