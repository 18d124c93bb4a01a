"""TextTemplate: reads runs of frames that differ only in their text. Nearly all frames of an answer are of this kind.

RunReader: the port of readers of runs; a dialect may have one of its own.
"""

import re
from itertools import takewhile
from typing import NamedTuple, Protocol

import msgspec

_CONTENT = re.compile(r'"content"\s*:\s*"')
_END = "\n\n"
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_MOST_ATTEMPTS = 16  # attempts to learn a template, in a stream whose frames differ in other fields too

_decode_text = msgspec.json.Decoder(str).decode


class TextRun(NamedTuple):
    """The texts of consecutive frames."""

    texts: list[str]


class RunReader(Protocol):
    """Reads frames that have a text and nothing else of interest together, much faster than one by one."""

    @property
    def is_known(self) -> bool:
        """True once the form of these frames is known."""
        ...

    def take(self, text: str, begin: int) -> tuple[list[str], int]:
        """Return the texts of the complete frames of this form from `begin` on, and the position after them."""
        ...


class TextTemplate:
    """The JSON before and after the text of a frame that was read.

    A frame with the same JSON around another text needs no parsing, because its other fields equal those of the first.
    The owner calls `learn` only with frames whose successors are read in the same way.
    """

    def __init__(self) -> None:
        self._head = self._tail = ""
        self._attempts_left = _MOST_ATTEMPTS

    @property
    def is_known(self) -> bool:
        return bool(self._head)

    def learn(self, data: str, text: str) -> None:
        """Learn from the data of a frame that contains `text`.

        Nothing is learned if the position of the text is uncertain.
        """
        if self._head or self._attempts_left <= 0:
            return
        self._attempts_left -= 1
        places = _CONTENT.findall(data)
        if len(places) != 1 or "\n" in data or _ESCAPED.search(text):
            return
        before, place, after = data.partition(places[0])
        if after.startswith(f'{text}"'):
            self._head, self._tail = f"data: {before}{place}", after[len(text) :]

    def forget(self) -> None:
        """Forget the template: the next frames are read one by one, and it learns anew."""
        self._head = self._tail = ""

    def take(self, text: str, begin: int) -> tuple[list[str], int]:
        """Return the texts of the complete frames of this form from `begin` on, and the position after them."""
        head, tail = self._head, self._tail
        if not text.startswith(head, begin):
            return [], begin
        parts = self._parts_of(text, begin)
        joined = "".join(parts)
        found = parts if _is_plain(joined) and "" not in parts else _unescaped(parts)
        chars = len(joined) if found is parts else sum(map(len, parts[: len(found)]))
        return found, begin + len(found) * (len(head) + len(tail) + len(_END)) + chars

    def _parts_of(self, text: str, begin: int) -> list[str]:
        """Return the escaped texts of the frames from `begin` on, up to the first frame of another form.

        Splitting lines first takes half the time of searching for two line breaks.
        """
        head, tail = self._head, self._tail
        cut, end, between = len(head), -len(tail), f"{tail}{_END}{head}"
        lines = text[begin:].split("\n")
        frames = lines[: (len(lines) - 1) // 2 * 2 : 2]
        while frames and not frames[-1].endswith(tail):  # the last ones of an answer
            frames.pop()
        parts = [frame[cut:end] for frame in frames]
        if text.startswith(f"{head}{between.join(parts)}{tail}{_END}", begin):  # compares all frames at once
            return parts
        own = takewhile(lambda frame: frame == f"{head}{frame[cut:end]}{tail}", text[begin:].split(_END)[:-1])
        return [frame[cut:end] for frame in own]


def _is_plain(text: str) -> bool:
    """Return whether a text looks the same within JSON. It may return False for a text that does."""
    return '"' not in text and "\\" not in text and text.isprintable()


def _unescaped(parts: list[str]) -> list[str]:
    """Return the texts up to the first part that is empty or invalid: its frame is of another form."""
    found: list[str] = []
    for part in parts:
        text = part if not _ESCAPED.search(part) else _json_text(part)
        if not text:
            break
        found.append(text)
    return found


def _json_text(part: str) -> str:
    """Return the text that `part` encodes without the quotes around it; empty if it encodes none."""
    try:
        return _decode_text(f'"{part}"')
    except (msgspec.DecodeError, UnicodeEncodeError):
        return ""
