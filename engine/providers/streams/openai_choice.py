"""OpenAIChoice: one choice of a stream in OpenAI's shape, from its deltas and messages."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.chat import Delta
from engine.errors import Garbled
from engine.providers.leaks.repeated_texts import LEAST_REPEATED_CHARS
from engine.providers.streams.calls.signed_calls import SignedToolCalls
from engine.providers.streams.calls.tool_calls import ToolCalls
from engine.providers.streams.openai_parts import call_pieces, parts_of, signatures_of
from engine.providers.streams.think_tags import TaggedText, ThinkTags


class OpenAIChoice:
    """One choice of a stream. `waits`: its text is held back until a tag ends the reasoning."""

    def __init__(self, index: int, *, waits: bool) -> None:
        self.index = index
        self.tags = ThinkTags(waits=waits)
        self.calls: ToolCalls = ToolCalls()
        self.has_finished = False
        self.is_message = False  # True if all of it came as one message
        self.half = ""  # first half of a character that is split between two deltas
        self._texts: dict[str, list[str]] = {}  # texts received so far, by field: a last message may repeat them
        self._chars: dict[str, int] = {}

    @property
    def has_text(self) -> bool:
        return "text" in self._texts

    def take(self, body: Mapping[str, Any], logprobs: Mapping[str, object] | None, *, at_end: bool) -> list[Delta]:
        """Return the deltas of one chunk; `at_end`: the chunk ends the choice.

        Some servers send complete messages, some of them as the last chunk of a stream.
        """
        delta, message = body.get("delta") or None, body.get("message")  # PHP writes an empty object as a list
        if not (delta is None or isinstance(delta, dict)):
            raise Garbled("a delta that is not an object")
        if delta is None and isinstance(body.get("text"), str):  # a server that streams text completions
            delta = {"content": body["text"]}
        found = list(self._take(delta, logprobs, is_message=False, at_end=at_end)) if delta else []
        self.is_message = delta is None and isinstance(message, dict)
        if isinstance(message, dict):
            found += self._take(message, logprobs, is_message=True, at_end=True)
        return found

    def _take(
        self, delta: Mapping[str, Any], logprobs: Mapping[str, object] | None, *, is_message: bool, at_end: bool
    ) -> Iterator[Delta]:
        text, refused, thinking, hides_thinking = parts_of(delta)
        thinking = self._new("thinking", thinking, is_message=is_message)
        if thinking or hides_thinking:
            yield from self._pieces(self.tags.stop_waiting(), None)
            yield Delta("", self.index, (), thinking, hides_thinking=hides_thinking)
        text = self._with_half(text)
        if at_end and not is_message and self._has_come(text):
            text = ""
        text = self._new("text", text, is_message=is_message)
        if text:
            yield from self._text(text, logprobs)
        refused = self._new("refusal", refused, is_message=is_message)
        if refused:
            yield Delta(refused, self.index, logprobs=None if text else logprobs, is_refusal=True)
        if isinstance(self.calls, SignedToolCalls):
            self.calls.sign(signatures_of(delta))
        pieces = call_pieces(delta)
        if pieces:
            yield from self._pieces(self.tags.end(), None)
            take = self.calls.take_message(pieces) if is_message else self.calls.take(pieces, at_end=at_end)
            yield Delta("", self.index, tuple(take))  # an empty delta shows that the model is working

    def text(self, text: str) -> Iterator[Delta]:
        """Return the deltas of a chunk that has only text, which a tag may follow."""
        return self._text(self._new("text", text, is_message=False), None)

    def plain(self, text: str) -> Delta:
        """Return the delta of a chunk that has only text, once no tag can follow."""
        self._new("text", text, is_message=False)
        return Delta(text, self.index)

    def add_plain(self, texts: list[str]) -> None:
        """Record the texts of chunks that have only text, once no tag can follow.

        One such chunk must have come before.
        """
        self._texts["text"] += texts
        self._chars["text"] += sum(map(len, texts))

    def rest(self) -> Iterator[Delta]:
        """Return the deltas that were held back until the end of the choice."""
        half, self.half = self.half, ""
        if half:
            yield from self._text(half, None)
        yield from self._pieces(self.tags.end(), None)
        calls = self.calls.end()
        if calls:
            yield Delta("", self.index, tuple(calls))

    def _text(self, text: str, logprobs: Mapping[str, object] | None) -> Iterator[Delta]:
        if self.tags.is_over:
            yield Delta(text, self.index, logprobs=logprobs)
            return
        pieces = self.tags.feed(text)
        yield from self._pieces(pieces, logprobs) if pieces else (Delta("", self.index),)

    def _pieces(self, pieces: list[TaggedText], logprobs: Mapping[str, object] | None) -> Iterator[Delta]:
        for piece in pieces:
            if piece.is_thinking:
                yield Delta("", self.index, (), piece.text)
            else:
                yield Delta(piece.text, self.index, logprobs=logprobs)
                logprobs = None

    def plain_text(self, text: str) -> str:
        """Record a text that is passed on unchanged, and return it."""
        return self._new("text", text, is_message=False)

    def _with_half(self, text: str) -> str:
        """Return a text with the half character before it, and hold back a half character at its own end."""
        if not text:
            return ""
        text, self.half = joined(self.half, text), ""
        if is_half(text[-1]):
            text, self.half = text[:-1], text[-1]
        return text

    def _has_come(self, text: str) -> bool:
        """Return whether the last delta repeats the text of all deltas before it, as some servers do."""
        came = self._texts.get("text", [])
        is_as_long = len(text) == self._chars.get("text", 0) >= LEAST_REPEATED_CHARS
        return is_as_long and len(came) > 1 and text == "".join(came)

    def _new(self, field: str, text: str, *, is_message: bool) -> str:
        """Return the new part of a text. A delta is always new; a message may repeat all of it."""
        if not text:
            return ""
        came, chars = self._texts.setdefault(field, []), self._chars.get(field, 0)
        if is_message and chars:
            text = text[chars:] if len(text) >= chars and text.startswith("".join(came)) else ""
        came.append(text)
        self._chars[field] = chars + len(text)
        return text


_FIRST, _LAST_HIGH, _LAST = 0xD800, 0xDBFF, 0xDFFF


def is_half(character: str) -> bool:
    """Return whether `character` is the first half of a character that was cut in two."""
    return _FIRST <= ord(character) <= _LAST_HIGH


def joined(half: str, text: str) -> str:
    """Return `half` and `text` joined. `half` is empty, or the first half of a character whose rest begins `text`."""
    if not half or not _LAST_HIGH < ord(text[0]) <= _LAST:
        return half + text
    return (half + text[0]).encode("utf-16", "surrogatepass").decode("utf-16") + text[1:]
