"""The content of a question as data: text, files by their Telegram ids, quotations; stored as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import accumulate, pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """A file at Telegram. `kind`: the field of its message: photo, document, voice, audio, video_note.

    Sizes are 0 if unknown. `transcript`: the text of a recording, once it was paid for.
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
    """A part of another message that the question refers to. `kind`: reply, quote or forward."""

    kind: str
    text: str
    author: str = ""
    files: tuple[QuestionFile, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionContent:
    """Everything that a person sent as one question. `speaker`: the asker's name, in groups only.

    `more_chars`: the lengths of the further messages, if the text came in several.
    """

    text: str = ""
    files: tuple[QuestionFile, ...] = ()
    quotations: tuple[Quotation, ...] = ()
    speaker: str = ""
    more_chars: tuple[int, ...] = ()

    def with_part(self, number: int, text: str) -> "QuestionContent":
        """Return the content with a new text for one of its messages; 0 is the first one."""
        ends = list(accumulate(self.more_chars, initial=len(self.text) - sum(self.more_chars)))
        parts = [self.text[begin:end] for begin, end in pairwise([0, *ends])]
        parts[number] = f"\n{text}" if number and parts[number].startswith("\n") else text
        return replace(self, text="".join(parts), more_chars=tuple(len(part) for part in parts[1:]))

    @property
    def all_files(self) -> tuple[QuestionFile, ...]:
        """The asker's own files, then those of the quotations."""
        return (*self.files, *(file for quotation in self.quotations for file in quotation.files))

    def with_transcript(self, number: int, transcript: str) -> "QuestionContent":
        """Return the content with the transcript of one of `all_files`."""
        files = list(self.all_files)
        files[number] = replace(files[number], transcript=transcript)
        own, rest = tuple(files[: len(self.files)]), files[len(self.files) :]
        quotations = []
        for quotation in self.quotations:
            taken, rest = tuple(rest[: len(quotation.files)]), rest[len(quotation.files) :]
            quotations.append(replace(quotation, files=taken))
        return replace(self, files=own, quotations=tuple(quotations))

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
            tuple(found.get("more_chars", ())),
        )


def _files(found: Mapping[str, Any]) -> tuple[QuestionFile, ...]:
    return tuple(QuestionFile(**each) for each in found["files"])
