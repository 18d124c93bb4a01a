"""What is said aloud: a recording, and what a provider understood of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of speech; `name` ends as its format wants it: servers go by that. `kind` is its media type."""

    data: bytes
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class SpeechText:
    """What was said; `seconds` is the length that the provider reports, None where it says nothing of it."""

    text: str
    seconds: float | None = None
