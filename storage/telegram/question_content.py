"""The content of a question as data: text, files by their Telegram ids, quotations; written and read as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A file at Telegram. `kind` is the field of its message: photo, document, voice, audio, video_note.

    Sizes are 0 where unknown. `transcript`: the words of a recording, once they were paid for.
    """

    kind: str
    file_id: str
    size_bytes: int = 0
    name: str = ""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    seconds: int = 0
    transcript: str | None = None


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of another message that the question is about. `kind`: reply, quote or forward."""

    kind: str
    text: str
    author: str = ""
    files: tuple[QuestionFile, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionContent:
    """Everything that a person sent as one question. `speaker` is the asker's name, in groups only."""

    text: str = ""
    files: tuple[QuestionFile, ...] = ()
    quotations: tuple[Quotation, ...] = ()
    speaker: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.files or self.quotations)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "QuestionContent":
        found = json.loads(text)
        return cls(
            found["text"],
            _files(found),
            tuple(Quotation(each["kind"], each["text"], each["author"], _files(each)) for each in found["quotations"]),
            found["speaker"],
        )


def _files(found: Mapping[str, Any]) -> tuple[QuestionFile, ...]:
    return tuple(QuestionFile(**each) for each in found["files"])
