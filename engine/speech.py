"""Recordings of speech and their text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of speech. `name` has the extension by which servers recognize the format; `kind` is the media type."""

    data: bytes
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class SpeechText:
    """The text of a recording; `seconds` is the length that the provider reports, None if it reports none."""

    text: str
    seconds: float | None = None
