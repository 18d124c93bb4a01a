"""The result of reading a file: text or pictures and the part that was read, or the reason why it can't be read."""

import base64
import json
from dataclasses import dataclass
from enum import StrEnum

MOST_CHARS = 200_000
"""The most characters of one file that a model gets; the model is told that the rest was left out."""


class Flaw(StrEnum):
    """A reason why a file can't be read."""

    KIND = "kind"
    OLD_OFFICE = "old"
    PICTURE = "picture"
    LOCKED = "locked"
    BROKEN = "broken"
    EMPTY = "empty"
    SLOW = "slow"
    HUGE = "huge"


class UnreadableFileError(Exception):
    """A file that can't be read, for the reason in `flaw`."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that models can read."""

    data: bytes
    width: int
    height: int
    media_type: str = "image/jpeg"


@dataclass(frozen=True, slots=True)
class FileContent:
    """`shown` of `total` pages, characters or frames (`unit`) were read. `total` 0: the total is unknown, but larger.

    A single picture has one frame, an animation several.
    """

    text: str = ""
    pictures: tuple[Picture, ...] = ()
    unit: str = "chars"
    shown: int = 0
    total: int = 0

    @property
    def is_whole(self) -> bool:
        return 0 < self.total <= self.shown

    def to_json(self) -> bytes:
        pictures = [
            [base64.b64encode(each.data).decode(), each.width, each.height, each.media_type] for each in self.pictures
        ]
        fields = {"text": self.text, "unit": self.unit, "shown": self.shown, "total": self.total}
        return json.dumps({**fields, "pictures": pictures}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "FileContent":
        """Return the result of a child process.

        Raises UnreadableFileError if the child reported one, ValueError or KeyError.
        """
        found = json.loads(data)
        if flaw := found.get("flaw"):
            raise UnreadableFileError(Flaw(flaw))
        pictures = tuple(Picture(base64.b64decode(each), *about) for each, *about in found["pictures"])
        return cls(found["text"], pictures, found["unit"], found["shown"], found["total"])


def text_content(text: str, *, is_all: bool = True) -> FileContent:
    """Return a text, cut at MOST_CHARS. Raises UnreadableFileError if it is blank."""
    if not text.strip():
        raise UnreadableFileError(Flaw.EMPTY)
    total = len(text) if is_all else 0
    return FileContent(text[:MOST_CHARS], shown=min(len(text), MOST_CHARS), total=total)


class Collected:
    """Collects pieces of text until they are longer than MOST_CHARS."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0

    @property
    def is_full(self) -> bool:
        return self._length > MOST_CHARS

    def add(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece) + 1

    def reading(self) -> FileContent:
        return text_content("\n".join(self._pieces), is_all=not self.is_full)
