"""The result of one check of `doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`FAULT`: Farthing does not work so. `WARNING`: it works, but an operator would want to know."""

    FINE = "ok"
    WARNING = "!"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` names the setting or part that was checked; `advice` says how to mend it, empty where it is fine."""

    level: Level
    about: str
    text: str
    advice: str = ""

    def line(self) -> str:
        return f"{self.level.value:>5}  {self.about}: {self.text}" + (
            f"\n       → {self.advice}" if self.advice else ""
        )


def fine(about: str, text: str) -> Finding:
    return Finding(Level.FINE, about, text)


def warning(about: str, text: str, advice: str) -> Finding:
    return Finding(Level.WARNING, about, text, advice)


def fault(about: str, text: str, advice: str) -> Finding:
    return Finding(Level.FAULT, about, text, advice)
